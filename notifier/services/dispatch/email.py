"""Attempt a batch of mails: one request to the first available provider."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from notifier.channels.base import MailSender, MessageRefusedError, RecipientsRefusedError, TooLargeError
from notifier.domain import ids
from notifier.domain.errors import (
    DeliveryError,
    LeaseLostError,
    OutcomeUnknownError,
    PermanentDeliveryError,
    UnavailableError,
)
from notifier.domain.messages.message import MailRequest
from notifier.domain.providers.breaker import blames_provider
from notifier.domain.providers.retry import EMAIL_SCHEDULE, GiveUp, after_failure
from notifier.domain.values import DeliveryState, Reason
from notifier.rendering.renderer import Renderer
from notifier.services.dispatch.lease import LEASE
from notifier.services.dispatch.record_outcome import RecordOutcome, Try
from notifier.services.mail.failover import Backoff, Choice, ProviderFailover
from notifier.services.mail.links import Links
from notifier.services.ports import Clock
from notifier.services.providers.circuits import no_wait
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import deliveries, mail_subjects
from notifier.storage.deliveries.batches import Batch
from notifier.storage.deliveries.deliveries import DeliveryOverride, MailRow
from notifier.storage.notifications.notifications import StoredNotification

_DEADLINE = 2 / 3  # of the batch's lease
# Halving isolates one bad recipient among 1,000 in 10 steps.
_PARTS = 2
_MOMENT = timedelta(seconds=2)


@dataclass(frozen=True)
class MailAttempt:
    """Send one claimed batch of mails."""

    database: Database
    clock: Clock
    renderer: Renderer
    links: Links
    route: ProviderFailover
    record: RecordOutcome
    lease: timedelta = LEASE
    # By provider: how long its events may take to settle a request without an answer; zero if it
    # sends no events.
    evidence_within: Callable[[str], timedelta] = lambda _provider: timedelta(0)
    rest: Callable[[float], None] = time.sleep  # seconds

    def attempt(self, batch: Batch, stored: StoredNotification) -> None:
        """Render, send and record once; release the batch if no provider takes a request now."""
        choice = self._choice(batch)
        if isinstance(choice, Backoff):
            hold = self.route.wait if choice.reason is Reason.BREAKER_OPEN else no_wait
            self.record.paused(batch, choice.wait, choice.reason, hold=hold)
            return
        with self.database.read() as connection:
            rows, gone = deliveries.mail_rows(connection, batch.id)
            subject = mail_subjects.get(connection, stored.notice.incident.id, batch.locale)
        left = [
            DeliveryOverride(recipient_key=key, state=DeliveryState.SUPPRESSED, reason=Reason.UNSUBSCRIBED)
            for key in gone
        ]
        if not rows:
            self.route.unused(choice)
            self.record.nobody_left(batch, left)
            return
        request = self.request(batch, stored, rows, subject or self._frozen_subject(batch, stored))
        started, clock = self.clock(), time.perf_counter()
        deadline = self._deadline(batch, started)
        if started >= deadline:
            self.route.unused(choice)
            self.record.paused(batch, timedelta(0), Reason.NOT_STARTED)
            return
        try:
            self.record.ensure_lease(batch)
            receipt = choice.sender.send(request, deadline=deadline)
        except (LeaseLostError, UnavailableError):  # nothing was sent
            self.route.unused(choice)
            raise
        except DeliveryError as error:
            tried = self._tried(choice.sender, started, clock)
            elsewhere = self.route.failed(choice, error, may_repeat=not self.evidence_within(choice.name))
            self._failed(_Mailing(batch, stored, rows, left, choice), tried, error, elsewhere=elsewhere)
            return
        apart = self._apart(batch, stored, rows, receipt.failed)
        self.record.accepted(
            batch,
            self._tried(choice.sender, started, clock),
            message_id=receipt.provider_message_id,
            overrides=[*left, *apart],
            repeated=len(receipt.accepted_ids) if batch.unknown else 0,
            in_doubt=len(receipt.unknown),
        )
        self.route.worked(choice, receipt.rate)

    def _choice(self, batch: Batch) -> Choice | Backoff:
        """Choose a provider.

        Wait here for a rate limit that ends in a moment: releasing the batch would cost more.
        """
        choice = self.route.choose(batch)
        if isinstance(choice, Backoff) and choice.reason is Reason.RATE_LIMITED and choice.wait <= _MOMENT:
            self.rest(choice.wait.total_seconds())
            choice = self.route.choose(batch)
        return choice

    def _frozen_subject(self, batch: Batch, stored: StoredNotification) -> str:
        """Return the subject of all mails of the incident in this locale.

        It is stored on first use and does not follow later changes of the title.
        """
        made = self.renderer.subject(stored.notice, batch.locale)
        with self.database.write() as connection:
            return mail_subjects.freeze(connection, stored.notice.incident.id, batch.locale, made)

    def _deadline(self, batch: Batch, started: datetime) -> datetime:
        """Return when the request must be over: safely within the lease.

        Counted from the claim. A worker that was slow to get here (imports, a busy machine) must
        not send a batch that others consider lost.
        """
        claimed = batch.lease_until - self.lease if batch.lease_until is not None else started
        return claimed + self.lease * _DEADLINE

    def _apart(
        self, batch: Batch, stored: StoredNotification, rows: Sequence[MailRow], failed: Mapping[str, DeliveryError]
    ) -> list[DeliveryOverride]:
        """Return overrides for recipients that failed individually (SMTP answers per recipient)."""
        if not failed:
            return []
        now = self.clock()
        keys = {ids.delivery_id(stored.notice.id, row.key): row.key for row in rows}
        return [self._override(batch, keys[name], error, now) for name, error in failed.items()]

    def _override(self, batch: Batch, key: int, error: DeliveryError, now: datetime) -> DeliveryOverride:
        follows = after_failure(batch.channel, batch.attempts, error, spread=self.record.spread())
        if isinstance(follows, GiveUp):
            return DeliveryOverride(
                recipient_key=key, state=DeliveryState.FAILED, reason=error.reason, attempts=batch.attempts
            )
        unknown = isinstance(error, OutcomeUnknownError)
        return DeliveryOverride(
            recipient_key=key,
            state=DeliveryState.QUEUED,
            reason=Reason.OUTCOME_UNKNOWN if unknown else error.reason,
            due_at=now + follows.wait,
            attempts=batch.attempts,
        )

    def warm(self) -> None:
        """Load in advance what the first mail would otherwise wait for."""
        self.renderer.warm(self.clock())

    def close(self) -> None:
        """Close the providers' connections."""
        self.route.close()

    def request(self, batch: Batch, stored: StoredNotification, rows: Sequence[MailRow], subject: str) -> MailRequest:
        """Build the request: shared content once, personal parts per recipient."""
        notice = stored.notice
        rendered = self.renderer.mail(notice, locale=batch.locale, since=batch.since, subject=subject)
        links = self.links.personal(batch.notification_id)
        return MailRequest(
            content=rendered.content,
            recipients=[
                rendered.personal(ids.delivery_id(notice.id, key), email, name, zone, links(subscriber_id, key))
                for key, subscriber_id, email, name, zone in rows
            ],
            notification_id=notice.id,
            batch_id=batch.id,
            attempt=batch.attempts,
            categories=("incident", f"locale-{batch.locale}"),
        )

    @staticmethod
    def _tried(sender: MailSender, started: datetime, clock: float) -> Try:
        duration = int((time.perf_counter() - clock) * 1000)
        return Try(started_at=started, duration_ms=duration, provider=sender.name)

    def _failed(self, mailing: "_Mailing", tried: Try, error: DeliveryError, *, elsewhere: bool) -> None:
        """Handle a failed request.

        Remove recipients that the provider named, halve a batch refused for an unspecified
        recipient, otherwise retry or give up.
        """
        by_id = {ids.delivery_id(mailing.stored.notice.id, row.key): row.key for row in mailing.rows}
        keys = list(by_id.values())
        if isinstance(error, RecipientsRefusedError):
            refused = {by_id[name] for name in error.delivery_ids if name in by_id}
            if refused:
                self._without(mailing, tried, error, refused)
                return
        divisible = isinstance(error, PermanentDeliveryError) and not isinstance(error, MessageRefusedError)
        if divisible and len(keys) > 1:
            half = -(-len(keys) // _PARTS)
            groups = [keys[:half], keys[half:]]
            if isinstance(error, TooLargeError) and len(error.pieces) > 1:
                groups = [[by_id[name] for name in piece] for piece in error.pieces]
            self.record.divided(mailing.batch, tried, error, groups, overrides=mailing.left)
            return
        self.record.failed(
            mailing.batch,
            tried,
            error,
            overrides=mailing.left,
            at_once=elsewhere,
            in_doubt=len(keys),
            evidence_within=self.evidence_within(tried.provider),
            hold=self.route.wait if blames_provider(error) else no_wait,
            is_probe=self._asked_for_all(mailing, error),
        )

    def _asked_for_all(self, mailing: "_Mailing", error: DeliveryError) -> bool:
        """Whether the failure of a probe uses up no attempt of the batch.

        The exemption ends when the retry schedule would have, counted from the notification.
        """
        surely_not_sent = not isinstance(error, OutcomeUnknownError)
        young = self.clock() - mailing.stored.created_at < sum(EMAIL_SCHEDULE, timedelta(0))
        return mailing.choice.is_probe and surely_not_sent and young

    def _without(self, mailing: "_Mailing", tried: Try, error: DeliveryError, refused: set[int]) -> None:
        """Fail the recipients that the provider refused; put the others into a new batch."""
        attempts = mailing.batch.attempts
        cut = [
            DeliveryOverride(
                recipient_key=key, state=DeliveryState.FAILED, reason=Reason.BAD_ADDRESS, attempts=attempts
            )
            for key in sorted(refused)
        ]
        keys = [row.key for row in mailing.rows if row.key not in refused]
        groups = [keys] if keys else []
        self.record.divided(mailing.batch, tried, error, groups, overrides=[*mailing.left, *cut])


@dataclass(frozen=True, slots=True)
class _Mailing:
    """A batch with its recipients, the overrides for those who left since, and the provider."""

    batch: Batch
    stored: StoredNotification
    rows: Sequence[MailRow]
    left: Sequence[DeliveryOverride]
    choice: Choice
