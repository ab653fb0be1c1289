"""The interface of every channel's sender.

A sender translates one of our requests into calls to a provider's library, and the response into a
receipt or an error whose type says what to do next. It uses no database, queue or template, never
sleeps, and opens no connection in its constructor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from notifier.domain.errors import DeliveryError, OutcomeUnknownError, PermanentDeliveryError, TransientDeliveryError
from notifier.domain.messages.message import MailRequest, PostReceipt, SocialPost
from notifier.domain.values import Reason


class NotAttemptedError(TransientDeliveryError):
    """Nothing was sent: a breaker is open (`breaker_open`) or no slot was free (`not_started`).

    Does not count as an attempt.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class RateBudget:
    """The remaining rate a provider reported, for the rate limiter that all workers share."""

    remaining: int | None = None  # calls
    limit: int | None = None
    resets_at: datetime | None = None  # aware UTC

    @property
    def exhausted(self) -> bool:
        """Whether the next call before `resets_at` will be refused."""
        return self.remaining is not None and self.remaining <= 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MailReceipt:
    """The result of a request in which at least one recipient's mail was accepted.

    Every recipient is in either `accepted_ids` or `failed`. `failed` is empty for a provider that
    accepts requests as a whole; SMTP, which handles recipients one by one, may fill it.
    """

    provider_message_id: str | None
    accepted_ids: Sequence[str]
    failed: Mapping[str, DeliveryError] = field(default_factory=dict)
    rate: RateBudget | None = None

    @property
    def refused(self) -> dict[str, DeliveryError]:
        """Recipients that failed permanently."""
        return {key: error for key, error in self.failed.items() if isinstance(error, PermanentDeliveryError)}

    @property
    def unsent(self) -> dict[str, DeliveryError]:
        """Recipients to retry: nothing was sent to them."""
        ended = PermanentDeliveryError, OutcomeUnknownError
        return {key: error for key, error in self.failed.items() if not isinstance(error, ended)}

    @property
    def unknown(self) -> dict[str, DeliveryError]:
        """Recipients that may have got the mail: the connection broke before the response."""
        return {key: error for key, error in self.failed.items() if isinstance(error, OutcomeUnknownError)}


class RecipientsRefusedError(PermanentDeliveryError):
    """The provider (or our own check) refused some recipients; nothing was sent to anyone.

    Remove `delivery_ids` and send to everyone else in a new attempt.
    """

    def __init__(
        self, delivery_ids: Sequence[str], reason: Reason, detail: str = "", *, status: int | None = None
    ) -> None:
        super().__init__(reason, detail, status=status)
        self.delivery_ids = tuple(delivery_ids)


class MessageRefusedError(PermanentDeliveryError):
    """The provider refused shared content (a header, the text); a smaller request fails too."""


class TooLargeError(PermanentDeliveryError):
    """The request is too large as a whole; nothing was sent.

    Send it in `pieces` (each delivery id once) if the sender knows what fits; otherwise halve it.
    """

    def __init__(
        self,
        detail: str = "",
        *,
        status: int | None = None,
        retry_after: timedelta | None = None,
        pieces: Sequence[Sequence[str]] = (),
    ) -> None:
        super().__init__(Reason.TOO_LARGE, detail, status=status, retry_after=retry_after)
        self.pieces = pieces


class MailSender(Protocol):
    """Sends mails through a provider. Thread-safe."""

    @property
    def name(self) -> str:
        """The provider's name, used as the label of attempts and metrics."""
        ...

    @property
    def max_batch(self) -> int:
        """How many recipients one request may have."""
        ...

    @property
    def deduplicates(self) -> bool:
        """Whether the provider drops a repeat of the same request."""
        ...

    def send(self, request: MailRequest, *, deadline: datetime) -> MailReceipt:
        """Hand one request to the provider.

        Args:
            request: 1 to `max_batch` mails of one notification; recipients do not see each other.
            deadline: Aware UTC time after which the caller no longer wants it sent.

        Raises:
            RecipientsRefusedError: remove the named recipients, send the rest again.
            TooLargeError: send it in pieces.
            DeliveryError: a subclass; it applies to every recipient of the request.
        """
        ...

    def answers(self, *, deadline: datetime) -> bool:
        """Call the provider without sending; return whether it responds in time. Never raises."""
        ...

    def close(self) -> None:
        """Close idle connections; the sender can still be used."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SocialLimits:
    """Size limits of one post on this account's platform."""

    characters: int  # as the platform counts them (rendering/text/counting.py)
    url_characters: int | None = None  # fixed cost of any link; None: its shown length
    utf8_bytes: int | None = None
    pictures: int = 0


class SessionStore(Protocol):
    """Keeps a login across processes and restarts. It is a credential; encrypt it at rest."""

    def load(self, account: str) -> str | None:
        """Return the session last saved for this account, or None."""
        ...

    def save(self, account: str, session: str) -> None:
        """Store a session, replacing the previous one."""
        ...


class SocialSender(Protocol):
    """Posts for one account on one platform. Not thread-safe: the client libraries are not."""

    @property
    def account(self) -> str:
        """The account's name in `notifier.toml`."""
        ...

    @property
    def deduplicates(self) -> bool:
        """Whether the platform drops repeats with the same key for as long as we may retry."""
        ...

    @property
    def looks(self) -> int:
        """How many empty `find`s, half a minute apart, show that a post was not published."""
        ...

    @property
    def can_edit(self) -> bool:
        """Whether `edit` works on this platform."""
        ...

    @property
    def budget(self) -> RateBudget | None:
        """The remaining rate reported by the platform's last response."""
        ...

    def post(self, post: SocialPost) -> PostReceipt:
        """Publish a post, as a reply if it has a parent.

        If the platform refuses the reply, publish a standalone post; the receipt's
        `extra["standalone"]` then says why.

        Raises:
            OutcomeUnknownError: it may be public; call `find` before posting the same text again.
            DeliveryError: it is not public.
        """
        ...

    def find(self, post: SocialPost, since: datetime) -> PostReceipt | None:
        """Find a post that is already public; return None if it is not.

        Args:
            post: The post to look for.
            since: Aware UTC time before which it cannot have been published.

        Raises:
            OutcomeUnknownError: the platform cannot tell; try again later.
            DeliveryError: as for `post`.
        """
        ...

    def edit(self, receipt: PostReceipt, post: SocialPost) -> PostReceipt:
        """Replace the text of a published post, if `can_edit`."""
        ...

    def delete(self, receipt: PostReceipt) -> None:
        """Delete a post; it is not an error if it no longer exists."""
        ...

    def limits(self) -> SocialLimits:
        """Return the size limits; asks the platform at most once a day, and never fails."""
        ...

    def close(self) -> None:
        """Close idle connections; the sender can still be used."""
        ...
