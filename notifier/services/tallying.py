"""Names of what is tallied in the ledger. Each number counts recipients."""

MAIL_UNKNOWN = "mail_unknown"  # by provider (`worker`: a worker vanished with them): told or not, nobody knows
MAIL_CONFIRMED = "mail_confirmed"  # of those, by provider: its events said that they were told
MAIL_REPEATED = "mail_repeated"  # by `first>second` provider: written to again without evidence, so perhaps twice
