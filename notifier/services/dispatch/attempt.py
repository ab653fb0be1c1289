"""Attempt a batch: claim it in a short transaction, hand it to its channel, record the outcome."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Protocol

from notifier.domain.errors import LeaseLostError, NotFoundError, UnavailableError
from notifier.domain.incidents.translation import TranslationRule
from notifier.domain.values import Channel, Reason
from notifier.observability import get_logger
from notifier.services.dispatch.connection_affinity import BatchChoice, NamedBatch
from notifier.services.dispatch.dead_letter import count_fault, dead_letter_if_exhausted, fault_alert_key
from notifier.services.dispatch.durable_write import NotRecordedError, RetryingTransaction
from notifier.services.dispatch.lease import LEASE
from notifier.services.dispatch.quiet_hours import defer_for_quiet_hours
from notifier.services.dispatch.recheck_recipients import recheck_recipients
from notifier.services.dispatch.record_outcome import superseded_by_newer
from notifier.services.dispatch.translation_hold import wait_for_translation
from notifier.services.log_context import bind_log
from notifier.services.ports import Clock, TaskQueue
from notifier.storage.database import Connection
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import batches, deliveries
from notifier.storage.deliveries.batches import Batch
from notifier.storage.notifications import notifications
from notifier.storage.notifications.notifications import StoredNotification
from notifier.storage.operations import alerts

_log = get_logger(__name__)

_SOON = timedelta(seconds=0.5)


class BatchAttempt(Protocol):
    """Attempts a claimed batch on one channel and records the outcome."""

    def attempt(self, batch: Batch, stored: StoredNotification) -> None:
        """Attempt a claimed batch."""


@dataclass(frozen=True)
class Attempt:
    """Attempts one batch, the named one or the one that `choice` prefers, once.

    Safe to call twice: only one caller gets the lease.
    """

    database: Database
    clock: Clock
    tasks: TaskQueue
    owner: str
    channels: Mapping[Channel, BatchAttempt]
    lease: timedelta = LEASE
    translations: Mapping[Channel, TranslationRule] = field(default_factory=dict)
    choice: BatchChoice = field(default_factory=NamedBatch)
    transaction: RetryingTransaction = field(default_factory=RetryingTransaction)

    def run(self, batch_id: int) -> None:
        """Claim a batch and attempt it. Do nothing if it is taken, finished, superseded or not due.

        Count an internal error that occurs before anything is sent, and re-raise it.
        """
        claimed: list[Batch] = []
        try:
            with self.database.write() as connection:
                taken = self._take(connection, batch_id, claimed)
        except UnavailableError:
            raise
        except Exception as fault:
            # The rollback undid the claim too: count the failure, or the batch is retried forever.
            for batch in claimed:
                self.transaction.run(self.database, partial(self._count_fault, batch.id, fault))
            raise
        if taken is not None:
            self._attempt(*taken)

    def _count_fault(self, batch_id: int, fault: Exception, connection: Connection) -> None:
        batch = self._claim(connection, batch_id)
        if batch is not None:
            count_fault(connection, batch, self.owner, self.clock(), fault)

    def _claim(self, connection: Connection, batch_id: int) -> Batch | None:
        return batches.claim(connection, batch_id, owner=self.owner, now=self.clock(), lease=self.lease)

    def _take(
        self, connection: Connection, batch_id: int, claimed: list[Batch]
    ) -> tuple[Batch, StoredNotification] | None:
        """Claim a batch and decide who receives it now; None if nobody does.

        Appends the claimed batch to `claimed`.
        """

        def claim(batch_id: int) -> Batch | None:
            batch = self._claim(connection, batch_id)
            if batch is not None:
                claimed.append(batch)
            return batch

        batch = self.choice.choose(connection, batch_id, claim)
        if batch is None:
            return None
        stored = notifications.get(connection, batch.notification_id)
        if stored is None:
            raise NotFoundError("notification", str(batch.notification_id))
        bind_log(stored, batch_id=batch.id)
        ready = self._ready(connection, batch, stored)
        if ready is None:
            return None
        if batch.met_fault or (batches.is_extra(batch.id) and deliveries.holds_replay(connection, batch.id)):
            alerts.clear(connection, fault_alert_key(stored.notice.id))
        return ready, stored

    def _ready(self, connection: Connection, batch: Batch, stored: StoredNotification) -> Batch | None:
        if superseded_by_newer(connection, batch, self.owner, self.clock()):
            return None
        if dead_letter_if_exhausted(connection, batch, self.owner, self.clock()):
            return None
        ready = recheck_recipients(connection, batch, stored, owner=self.owner, now=self.clock())
        if ready is not None:
            rules, now = self.translations, self.clock()
            ready = wait_for_translation(connection, ready, stored, rules, owner=self.owner, now=now)
        if ready is not None:
            ready = defer_for_quiet_hours(connection, ready, stored, owner=self.owner, now=self.clock())
        return ready

    def _attempt(self, batch: Batch, stored: StoredNotification) -> None:
        try:
            self.channels[batch.channel].attempt(batch, stored)
        except LeaseLostError as error:
            _log.warning("lease_lost", error=str(error), hint="nothing was sent: another worker holds the batch")
        except NotRecordedError:
            raise
        except UnavailableError as error:
            # Raised before the request only: writes after it are retried.
            _log.warning("attempt_deferred", error=str(error), hint="nothing was sent: the database is unavailable")
            self.transaction.run(self.database, lambda connection: self._hand_back(connection, batch))

    def _hand_back(self, connection: Connection, batch: Batch) -> None:
        now = self.clock()
        reason = Reason.OUTCOME_UNKNOWN if batch.unknown else Reason.NOT_STARTED
        due = now + _SOON
        batches.release(connection, batch, self.owner, due_at=due, now=now, reason=reason, counts=False)
