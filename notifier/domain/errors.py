"""Errors whose type says what to do next.

NotifierError
 |- ConfigError              refuse to start: names the field
 |- InvalidInputError        refuse the input: names each field
 |   |- MalformedInputError      it is not in the form that it is said to be in
 |   '- UnsupportedFormatError   we do not read this format
 |- NotFoundError            no such object
  |   '- UnknownRecipientError     not a known recipient
 |- ConflictError            contradicts what is stored: read again, decide again
 |   '- OutdatedError            the incident has a later update than the author knew of
  |- UnavailableError         a store we need does not answer: try again later
  |- LeaseLostError           another worker has taken over: leave the batch to it
 '- DeliveryError            one attempt failed
     |- TransientDeliveryError   trying again may work
     |- OutcomeUnknownError      the request left and no answer came
     |- PermanentDeliveryError   trying again cannot work, for this recipient
     '- ChannelStoppedError      channel stopped until an operator acts (credentials, credits)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from notifier.domain.values import Reason


class NotifierError(Exception):
    """Root of every error we raise on purpose; anything else is a bug and must surface."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One error in an input: `field` is a dotted path, `message` one sentence without secrets."""

    field: str
    message: str


class ConfigError(NotifierError):
    """The configuration is unusable; `field` is the offending variable or TOML key."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field, self.message = field, message


class InvalidInputError(NotifierError):
    """Rejected input; carries every error found, not only the first."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(f"{error.field}: {error.message}" for error in errors))
        self.errors = tuple(errors)


class MalformedInputError(InvalidInputError):
    """The input breaks the rules of the format it is said to have."""


class UnsupportedFormatError(InvalidInputError):
    """The input is in a format that we do not read."""


class NotFoundError(NotifierError):
    """No such incident, subscriber, endpoint, notification or delivery."""

    def __init__(self, kind: str, key: str) -> None:
        super().__init__(f"no {kind} {key!r}")
        self.kind, self.key = kind, key


class UnknownRecipientError(NotFoundError):
    """The recipient is unknown. The input is not repeated in the error: it may be an address."""

    def __init__(self, field: str = "subscriber") -> None:
        super().__init__("subscriber", "")
        message = (
            "names nobody we know: give the external id of a subscriber, an e-mail address as it is subscribed, the"
            " id of an endpoint (end_...) or the name of an account"
        )
        self.fault = FieldError(field, message)
        self.args = (f"{field}: {message}",)


class ConflictError(NotifierError):
    """The request contradicts what is stored."""


class VersionConflictError(ConflictError):
    """Someone changed the object since its author read it; nothing was stored. `version`: what it is now."""

    def __init__(self, kind: str, object_id: str, version: int) -> None:
        super().__init__(f"{kind} {object_id} has version {version} now: read it again. Nothing was stored")
        self.version = version


class OutdatedError(ConflictError):
    """The incident has a later update than the event's author knew of; nothing was stored.

    `newest` is that update as JSON data: `id`, `status`, `posted_at`, and `author` (None if
    unknown).
    """

    def __init__(self, after: str, newest: Mapping[str, str | None]) -> None:
        by = f" by {newest['author']}" if newest["author"] else ""
        super().__init__(
            f"after: {after!r} is no longer the latest update; {newest['id']!r} ({newest['status']}) was posted"
            f" at {newest['posted_at']}{by}. Nothing was stored: read that update, then publish again based on it"
        )
        self.after, self.newest = after, newest


class UnavailableError(NotifierError):
    """The database or the broker does not answer now; nothing was stored."""


class LeaseLostError(NotifierError):
    """We lost the lease of a batch before its request left: nothing was sent, record nothing."""


class DeliveryError(NotifierError):
    """One attempt failed.

    `reason` is stored on the attempt and labels the metric; `detail` never contains a secret.
    """

    def __init__(
        self, reason: Reason, detail: str = "", *, status: int | None = None, retry_after: timedelta | None = None
    ) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail, self.status, self.retry_after = reason, detail, status, retry_after

    def reword(self, detail: str) -> None:
        """Replace the detail, to remove what must not be stored."""
        self.detail, self.args = detail, (f"{self.reason}: {detail}",)


class TransientDeliveryError(DeliveryError):
    """Trying again may work: 429, 5xx, refused connection, SMTP 4yz (RFC 5321 section 4.2.1)."""


class OutcomeUnknownError(DeliveryError):
    """The request left and no answer came: repeat only if nobody can receive it twice."""


class PermanentDeliveryError(DeliveryError):
    """Trying again cannot work: bad address, rejected content, SMTP 5yz."""


class ChannelStoppedError(DeliveryError):
    """Credentials, sender identity or credits: the channel stops and an operator is alerted.

    No delivery is marked as failed.
    """
