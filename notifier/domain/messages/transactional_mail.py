"""Letters: mail about a subscription itself, one addressee each. They are few, and none is an incident's news."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

# A stranger may type somebody's address over and over: they get this many letters in a day and no more.
LETTERS_PER_DAY = 3


class TransactionalKind(StrEnum):
    """What a letter is about."""

    SUBSCRIPTION_CONFIRM = "subscription_confirm"  # asks the owner of an address whether they signed up
    SUBSCRIPTION_KNOWN = "subscription_known"  # to who is told already: with the link to their preferences
    ADDRESS_CHANGE_CONFIRM = "address_change_confirm"  # to the new address
    ENDPOINT_WARNING = "endpoint_warning"  # to who looks after a webhook endpoint that has failed for days
    ENDPOINT_DISABLED = "endpoint_disabled"  # to the same, when nothing more is sent there


ABOUT_ENDPOINTS = frozenset({TransactionalKind.ENDPOINT_WARNING, TransactionalKind.ENDPOINT_DISABLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionalMail:
    """One letter to send. `subject_id` is a subscriber's or endpoint's row number; it keeps no address and no link."""

    id: int
    kind: TransactionalKind
    subject_id: int
    address_key: int
    expires_at: datetime
    attempts: int  # the present one included


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTransactionalMail:
    """A letter to be written down. `address_key` is the hash of the address it goes to."""

    kind: TransactionalKind
    subject_id: int
    address_key: int
    expires_at: datetime
