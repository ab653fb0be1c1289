"""What every channel's sender looks like to the rest of the house.

A sender translates: one request of ours into calls of a provider's library, its answer into a receipt or into an error
whose type says what to do next. No database, queue, template or sleep in it; constructors open nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from notifier.domain.errors import DeliveryError, OutcomeUnknownError, PermanentDeliveryError, TransientDeliveryError
from notifier.domain.messages.message import MailRequest, PostReceipt, SocialPost
from notifier.domain.values import Reason


class NotAttemptedError(TransientDeliveryError):
    """Nothing was sent: a breaker is open (`breaker_open`) or there was no room (`not_started`). Uses up no attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateBudget:
    """What a provider said is left of its rate, so that one pacer can hold back all workers."""

    remaining: int | None = None  # calls
    limit: int | None = None
    resets_at: datetime | None = None  # aware UTC

    @property
    def exhausted(self) -> bool:
        """Whether the next call before `resets_at` will be refused."""
        return self.remaining is not None and self.remaining <= 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MailReceipt:
    """What became of a request that at least one recipient's mail was accepted from.

    Every recipient is either in `accepted_ids` or in `failed`. A provider that takes requests whole has no `failed`;
    SMTP, which is told of one recipient after another, may.
    """

    provider_message_id: str | None
    accepted_ids: Sequence[str]
    failed: Mapping[str, DeliveryError] = field(default_factory=dict)
    rate: RateBudget | None = None

    @property
    def refused(self) -> dict[str, DeliveryError]:
        """Those for whom trying again cannot work."""
        return {key: error for key, error in self.failed.items() if isinstance(error, PermanentDeliveryError)}

    @property
    def unsent(self) -> dict[str, DeliveryError]:
        """Those to be tried again: surely not told."""
        ended = PermanentDeliveryError, OutcomeUnknownError
        return {key: error for key, error in self.failed.items() if not isinstance(error, ended)}

    @property
    def unknown(self) -> dict[str, DeliveryError]:
        """Those who may have been told: the connection died between their mail and its answer."""
        return {key: error for key, error in self.failed.items() if isinstance(error, OutcomeUnknownError)}


class RecipientsRefusedError(PermanentDeliveryError):
    """The provider (or our own check before it) named recipients it will not take; nobody in the request was told.

    `delivery_ids` are to be cut out, everybody else to be sent again as a new attempt.
    """

    def __init__(
        self, delivery_ids: Sequence[str], reason: Reason, detail: str = "", *, status: int | None = None
    ) -> None:
        super().__init__(reason, detail, status=status)
        self.delivery_ids = tuple(delivery_ids)


class MessageRefusedError(PermanentDeliveryError):
    """The provider refuses what all in the request share (a header, the text): a smaller one fares no better."""


class TooLargeError(PermanentDeliveryError):
    """The request is too large as a whole; nobody in it was told.

    Send it in `pieces` (delivery ids, everybody once) where the sender knows what fits; else halve it.
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
    """A way to hand mails to a provider. Safe to use from several threads at once."""

    @property
    def name(self) -> str:
        """The provider, as it labels attempts and metrics."""
        ...

    @property
    def max_batch(self) -> int:
        """How many recipients one request may have."""
        ...

    @property
    def deduplicates(self) -> bool:
        """Whether a repeat of the same request reaches nobody twice."""
        ...

    def send(self, request: MailRequest, *, deadline: datetime) -> MailReceipt:
        """Hand one request to the provider.

        Args:
            request: 1 to `max_batch` mails of one notification; no recipient learns of another.
            deadline: Aware UTC instant after which the caller no longer wants the send.

        Raises:
            RecipientsRefusedError: cut the named ones out, send the rest again.
            TooLargeError: send it in pieces.
            DeliveryError: one of its kinds, true of every recipient of the request.
        """
        ...

    def answers(self, *, deadline: datetime) -> bool:
        """Ask something that sends nothing; whether any answer came in time. Never raises."""
        ...

    def close(self) -> None:
        """Close idle connections; the sender can still be used."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SocialLimits:
    """How much one post holds on this account's platform."""

    characters: int  # by the platform's own way of counting (rendering/text/counting.py)
    url_characters: int | None = None  # what any link costs; None: as many as are shown
    utf8_bytes: int | None = None
    pictures: int = 0


class SessionStore(Protocol):
    """Keeps a login between processes and restarts. What it holds is a credential: encrypt it at rest."""

    def load(self, account: str) -> str | None:
        """Return what was saved last for the account of this name, or None."""
        ...

    def save(self, account: str, session: str) -> None:
        """Keep a session, replacing the one before."""
        ...


class SocialSender(Protocol):
    """One account on one platform. One caller at a time: the libraries below are not safe for two threads."""

    @property
    def account(self) -> str:
        """The account's name in `notifier.toml`."""
        ...

    @property
    def deduplicates(self) -> bool:
        """Whether the platform itself drops a repeat with the same key for as long as we may repeat."""
        ...

    @property
    def looks(self) -> int:
        """How often `find` must come back empty, half a minute apart, before an unknown post counts as not made."""
        ...

    @property
    def can_edit(self) -> bool:
        """Whether `edit` works on this platform."""
        ...

    @property
    def budget(self) -> RateBudget | None:
        """What the platform's last answer said is left of its rate."""
        ...

    def post(self, post: SocialPost) -> PostReceipt:
        """Publish a post, as a reply where it has a parent.

        A reply the platform refuses becomes a post of its own; the receipt's `extra["standalone"]` then says why.

        Raises:
            OutcomeUnknownError: it may be public; ask `find` before posting the identical text again.
            DeliveryError: it is not public.
        """
        ...

    def find(self, post: SocialPost, since: datetime) -> PostReceipt | None:
        """Look whether a post is public already; None where it is not.

        Args:
            post: What was to be published.
            since: Aware UTC instant before which it cannot have been published.

        Raises:
            OutcomeUnknownError: the platform does not tell; ask again later.
            DeliveryError: as for `post`.
        """
        ...

    def edit(self, receipt: PostReceipt, post: SocialPost) -> PostReceipt:
        """Replace the text of a published post, where `can_edit`."""
        ...

    def delete(self, receipt: PostReceipt) -> None:
        """Withdraw a post; one that is gone already is no error."""
        ...

    def limits(self) -> SocialLimits:
        """How much a post holds; asks the platform at most once a day, and never fails."""
        ...

    def close(self) -> None:
        """Close idle connections; the sender can still be used."""
        ...
