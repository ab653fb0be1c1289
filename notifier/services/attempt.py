"""Attempt: claim a batch, hand it to its channel, record. Short transaction, network, short transaction."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from sqlalchemy import Connection

from notifier.domain.errors import LeaseLostError, UnavailableError
from notifier.domain.translation import TranslationRule
from notifier.domain.values import Channel, Reason
from notifier.services.familiar import Choice, the_named_one
from notifier.services.hold import hold_back
from notifier.services.log_context import bind_log
from notifier.services.lost_cause import gave_up
from notifier.services.outcomes import made_way
from notifier.services.patience import NotRecordedError, Patience
from notifier.services.ports import Clock, Nudge
from notifier.services.settle import settle
from notifier.services.translations import wait_for_translation
from notifier.storage import batches, notifications
from notifier.storage.batches import Batch
from notifier.storage.engine import Database
from notifier.storage.notifications import StoredNotification

_log = logging.getLogger(__name__)

# Longer than any channel's own time-outs together, so that a lease ends only with its worker.
LEASE = timedelta(seconds=90)
_SOON = timedelta(seconds=0.5)


class BatchAttempt(Protocol):
    """One channel's way of attempting a claimed batch; records the outcome itself."""

    def __call__(self, batch: Batch, stored: StoredNotification) -> None:
        """Attempt a batch whose lease we hold."""


@dataclass(frozen=True)
class Attempt:
    """Attempt one batch once: the named one, or what `choice` prefers. Safe to call twice: a claim admits one."""

    database: Database
    clock: Clock
    nudge: Nudge
    owner: str
    channels: Mapping[Channel, BatchAttempt]
    lease: timedelta = LEASE
    translations: Mapping[Channel, TranslationRule] = field(default_factory=dict)
    paused_until: Callable[[Channel], timedelta | None] = lambda _channel: None
    choice: Choice = the_named_one
    patience: Patience = field(default_factory=Patience)

    def __call__(self, batch_id: int) -> None:
        """Claim and attempt; does nothing when what could be claimed is taken, finished, replaced or not due."""
        with self.database.write() as connection:

            def claim(number: int) -> Batch | None:
                return batches.claim(connection, number, owner=self.owner, now=self.clock(), lease=self.lease)

            batch = self.choice(connection, batch_id, claim)
            if batch is None:
                return
            stored = notifications.get(connection, batch.notification_id)
            if stored is None:
                _log.error("batch without its notification", extra={"batch_id": batch.id})
                return
            bind_log(stored, batch_id=batch.id)
            if made_way(connection, batch, self.owner, self.clock()):
                return
            if gave_up(connection, batch, self.owner, self.clock()):
                return
            pause = self.paused_until(batch.channel)
            if pause is not None:
                due = self.clock() + pause
                batches.release(
                    connection,
                    batch,
                    self.owner,
                    due_at=due,
                    now=self.clock(),
                    reason=Reason.OUTCOME_UNKNOWN if batch.unknown else Reason.RATE_LIMITED,
                    counts=False,
                )
                return
            ready = settle(connection, batch, stored, owner=self.owner, now=self.clock())
            if ready is not None:
                rules, now = self.translations, self.clock()
                ready = wait_for_translation(connection, ready, stored, rules, owner=self.owner, now=now)
            if ready is not None:
                ready = hold_back(connection, ready, stored, owner=self.owner, now=self.clock())
        if ready is not None:
            self._attempt(ready, stored)

    def _attempt(self, batch: Batch, stored: StoredNotification) -> None:
        try:
            self.channels[batch.channel](batch, stored)
        except LeaseLostError as error:
            _log.warning("lease lost: others have this batch now, nothing was sent", extra={"error": str(error)})
        except NotRecordedError:
            raise
        except UnavailableError as error:
            # Before a request left: what comes after it is written with patience.
            _log.warning("the database is away: nothing was sent", extra={"error": str(error)})
            self.patience(self.database, lambda connection: self._hand_back(connection, batch))

    def _hand_back(self, connection: Connection, batch: Batch) -> None:
        now = self.clock()
        reason = Reason.OUTCOME_UNKNOWN if batch.unknown else Reason.NOT_STARTED
        due = now + _SOON
        batches.release(connection, batch, self.owner, due_at=due, now=now, reason=reason, counts=False)
