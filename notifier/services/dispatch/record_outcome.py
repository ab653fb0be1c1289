"""Record the outcome of an attempt on a whole batch."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from notifier.domain.errors import ChannelStoppedError, DeliveryError, LeaseLostError, OutcomeUnknownError
from notifier.domain.providers.retry import JITTER, GiveUp, after_failure
from notifier.domain.values import Channel, DeliveryState, QueueName, Reason
from notifier.observability import get_logger
from notifier.services.dispatch.durable_write import RetryingTransaction
from notifier.services.dispatch.outcome_journal import Accepted, KnownOutcome, apply
from notifier.services.ports import Clock, Life, MetricsSink, NoMetrics, NotWatched, TaskQueue
from notifier.services.providers.circuits import Wait, no_wait
from notifier.storage.database import Connection
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import attempts, batches, deliveries, supersede
from notifier.storage.deliveries.attempts import AttemptRow
from notifier.storage.deliveries.batches import Batch
from notifier.storage.deliveries.deliveries import DeliveryOverride
from notifier.storage.notifications import channel_history
from notifier.storage.operations import alerts, counters
from notifier.storage.operations.counters import MAIL_UNKNOWN

_log = get_logger(__name__)
_SPREAD, _NO_WAIT = timedelta(seconds=0.5), timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One request to a provider: start, duration and provider."""

    started_at: datetime
    duration_ms: int
    provider: str

    def row(self, batch: Batch, outcome: str, error: DeliveryError | None = None, detail: str = "") -> AttemptRow:
        """Return the attempt row for the ledger."""
        return AttemptRow(
            recipient_key=None,
            number=batch.attempts,
            started_at=self.started_at,
            duration_ms=self.duration_ms,
            outcome=outcome,
            reason=error.reason if error else None,
            status=error.status if error else None,
            detail=error.detail if error else detail,
            provider=self.provider,
        )


def superseded_by_newer(connection: Connection, batch: Batch, owner: str, now: datetime) -> bool:
    """Mark a claimed batch superseded if newer notifications cover all of its recipients.

    An older message never follows a newer one, neither after a retry nor after an expired lease or
    a partial refusal. Recipients that the newer ones do not cover stay in the batch. A batch with
    replayed deliveries is never superseded.
    """
    if batch.channel is Channel.WEBHOOK or channel_history.is_newest(connection, batch.notification_id):
        return False
    if deliveries.holds_replay(connection, batch.id):
        return False
    if not supersede.supersede_covered(connection, batch.notification_id, batch.id, now):
        return False
    state, reason = DeliveryState.SUPERSEDED, Reason.NEWER_UPDATE
    return batches.finish(connection, batch, owner, state=state, reason=reason, now=now)


@dataclass(frozen=True)
class RecordOutcome:
    """The second transaction of an attempt, for batches that share one outcome."""

    database: Database
    clock: Clock
    tasks: TaskQueue
    owner: str
    spread: Callable[[], float] = field(default=random.random)
    metrics_sink: MetricsSink = field(default_factory=NoMetrics)
    transaction: RetryingTransaction = field(default_factory=RetryingTransaction)
    life: Life = field(default_factory=NotWatched)

    def ensure_lease(self, batch: Batch) -> None:
        """Check that the batch is still ours. Call this right before sending the request.

        Raises:
            LeaseLostError: this process was suspended or slow, and another worker took over.
        """
        self.life.ensure()
        with self.database.read() as connection:
            held = batches.is_held(connection, batch, self.owner)
        if not held:
            raise LeaseLostError(f"batch {batch.id}, attempt {batch.attempts}")

    def accepted(
        self,
        batch: Batch,
        tried: Try,
        *,
        message_id: str | None,
        overrides: Sequence[DeliveryOverride] = (),
        state: DeliveryState = DeliveryState.ACCEPTED,
        repeated: int = 0,
        in_doubt: int = 0,
    ) -> None:
        """Record that the provider accepted the batch, except for `overrides`.

        `repeated`: number of recipients that an earlier attempt may have reached.
        `in_doubt`: number of recipients that this attempt may have reached.
        """
        ending = Accepted(
            provider=tried.provider, message_id=message_id, state=state, repeated=repeated, in_doubt=in_doubt
        )
        known = KnownOutcome(
            batch=batch,
            owner=self.owner,
            at=self.clock(),
            tries=[tried.row(batch, "accepted", detail=message_id or "")],
            overrides=overrides,
            accepted=ending,
        )
        if not self.transaction.run(self.database, lambda connection: apply(connection, known), known):
            _too_late(batch)
            return
        self._count(batch, tried, "accepted", state, batch.size - len(overrides))
        for item in overrides:
            if item.state.is_final:
                self.metrics_sink.settled(batch.channel, tried.provider, batch.locale, item.state, 1)

    def nobody_left(self, batch: Batch, overrides: Sequence[DeliveryOverride]) -> None:
        """Finish a batch with no recipients left (unsubscribed, refused)."""
        now = self.clock()

        def write(connection: Connection) -> None:
            if batches.finish(connection, batch, self.owner, state=DeliveryState.CANCELED, reason=None, now=now):
                deliveries.detach(connection, batch.notification_id, overrides, now)

        self.transaction.run(self.database, write)

    def paused(self, batch: Batch, wait: timedelta, reason: Reason, *, hold: Wait = no_wait) -> None:
        """Release a batch that cannot be sent now, until `wait` has passed. Uses up no attempt.

        `hold`: makes the batch wait for its provider instead, which resumes it when it recovers.
        A batch with an unknown outcome keeps its own time.
        """
        now = self.clock()
        # Spread batches that would be due at the same instant.
        due = now + wait + self.spread() * max(wait * JITTER, _SPREAD)
        kept = Reason.OUTCOME_UNKNOWN if batch.unknown else reason

        def write(connection: Connection) -> None:
            if not superseded_by_newer(connection, batch, self.owner, now):
                until = (None if batch.unknown else hold(connection, now)) or due
                batches.release(connection, batch, self.owner, due_at=until, now=now, reason=kept, counts=False)

        self.transaction.run(self.database, write)

    def failed(
        self,
        batch: Batch,
        tried: Try,
        error: DeliveryError,
        *,
        overrides: Sequence[DeliveryOverride] = (),
        at_once: bool = False,
        in_doubt: int = 0,
        evidence_within: timedelta = timedelta(0),
        hold: Wait = no_wait,
        is_probe: bool = False,
    ) -> None:
        """Record that the whole attempt failed: retry later, give up, or supersede.

        `at_once`: retry now, at another provider.
        `in_doubt`: number of recipients that the attempt may have reached.
        `evidence_within`: how long to wait for evidence of an unknown outcome.
        `hold`: makes a batch that reached nobody wait for its provider; returns until when.
        `is_probe`: the attempt was a probe on behalf of others and uses up no attempt.
        """
        now = self.clock()
        follows = after_failure(batch.channel, 1 if is_probe else batch.attempts, error, spread=self.spread())
        unknown = isinstance(error, OutcomeUnknownError)
        outcome = "unknown" if unknown else ("failed" if isinstance(follows, GiveUp) else "retry")

        def write(connection: Connection) -> bool:
            if not batches.is_held(connection, batch, self.owner, lock=True):
                return False
            deliveries.detach(connection, batch.notification_id, overrides, now)
            attempts.add(connection, batch, [tried.row(batch, outcome, error)])
            counters.add(connection, MAIL_UNKNOWN, tried.provider, in_doubt if unknown else 0)
            if isinstance(error, ChannelStoppedError):
                alerts.raise_(connection, f"{batch.channel}:{tried.provider}", error.reason, error.detail, now)
            if isinstance(follows, GiveUp):
                batches.finish(connection, batch, self.owner, state=DeliveryState.FAILED, reason=error.reason, now=now)
            elif superseded_by_newer(connection, batch, self.owner, now):
                pass
            else:
                in_question = unknown or batch.unknown
                held = None if at_once or in_question else hold(connection, now)
                later = now + max(follows.wait, evidence_within if unknown else _NO_WAIT)
                batches.release(
                    connection,
                    batch,
                    self.owner,
                    due_at=now if at_once else held or later,
                    now=now,
                    # An earlier unknown outcome stays open until an attempt is known to succeed.
                    reason=Reason.OUTCOME_UNKNOWN if in_question else error.reason,
                    # A batch that waits for its provider keeps the priority of a first attempt.
                    queue=batch.queue if at_once or held else QueueName.RETRY,
                    counts=follows.counts and not is_probe,
                    provider=tried.provider if unknown else None,
                )
            return True

        if not self.transaction.run(self.database, write):
            _too_late(batch)
            return
        dead_letter_if_exhausted = batch.size if isinstance(follows, GiveUp) else 0
        self._count(batch, tried, outcome, DeliveryState.FAILED, dead_letter_if_exhausted)
        if at_once and not isinstance(follows, GiveUp):
            self.tasks.attempt(batch.queue, [batch.id])
        if isinstance(follows, GiveUp):
            _log.error("batch_dead_lettered", batch_id=batch.id, reason=error.reason.value)

    def divided(
        self,
        batch: Batch,
        tried: Try,
        error: DeliveryError,
        groups: Sequence[Sequence[int]],
        *,
        overrides: Sequence[DeliveryOverride] = (),
    ) -> list[int]:
        """Split the batch into smaller ones to be attempted at once; returns their ids."""
        now = self.clock()

        def write(connection: Connection) -> list[int] | None:
            state = DeliveryState.CANCELED
            if not batches.finish(connection, batch, self.owner, state=state, reason=error.reason, now=now):
                return None  # an earlier attempt proved accepted, or another worker has the lease
            attempts.add(connection, batch, [tried.row(batch, "divided", error)])
            deliveries.detach(connection, batch.notification_id, overrides, now)
            return [self._part(connection, batch, keys, now) for keys in groups]

        numbers = self.transaction.run(self.database, write)
        if numbers is None:
            return []
        self._count(batch, tried, "divided", DeliveryState.CANCELED, 0)
        self.tasks.attempt(batch.queue, numbers)
        return numbers

    @staticmethod
    def _part(connection: Connection, batch: Batch, keys: Sequence[int], now: datetime) -> int:
        number = batches.add(
            connection,
            batch,
            size=len(keys),
            due_at=now,
            queue=batch.queue,
            attempts=batch.attempts - 1,
            reason=Reason.OUTCOME_UNKNOWN if batch.unknown else None,
        )
        deliveries.move(connection, batch.notification_id, keys, number, now=now)
        return number

    def _count(self, batch: Batch, tried: Try, outcome: str, state: DeliveryState, number: int) -> None:
        _log.info(
            "batch_attempted",
            batch_id=batch.id,
            attempt=batch.attempts,
            outcome=outcome,
            recipients=batch.size,
            provider=tried.provider,
            ms=tried.duration_ms,
        )
        self.metrics_sink.attempts(batch.channel, tried.provider, outcome, [tried.duration_ms / 1000])
        self.metrics_sink.settled(batch.channel, tried.provider, batch.locale, state, number)


def _too_late(batch: Batch) -> None:
    _log.warning("outcome_discarded", batch_id=batch.id, attempt=batch.attempts, hint="another worker holds the lease")
