"""Prune the ledger by retention, one short transaction at a time."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from notifier.domain.messages.brand import Retention
from notifier.services.isolation import UNGUARDED, Isolate
from notifier.services.ports import Clock
from notifier.storage.database import Connection
from notifier.storage.database.engine import Database
from notifier.storage.operations import console_sessions, metrics
from notifier.storage.operations import retention as retention_rows
from notifier.storage.proposals import drafts, signals

_CHUNK = 10_000  # some tens of milliseconds of work
_EVERY = timedelta(days=1)
Remove = Callable[[Connection, datetime, int], int]


@dataclass
class Prune:
    """Removes rows older than their retention. Safe to run at any time and concurrently.

    As a chore of the sweep, it does one step per sweep until nothing is left, then rests for a day.
    """

    database: Database
    clock: Clock
    retention: Retention
    chunk: int = _CHUNK
    name: str = "pruned"
    isolate: Isolate = UNGUARDED
    _rests_until: datetime | None = field(default=None, repr=False)

    def run(self) -> int:
        """Do one step if due; returns how many rows were removed."""
        now = self.clock()
        if self._rests_until is not None and now < self._rests_until:
            return 0
        removed = self.step().total()
        if not removed:
            self._rests_until = now + _EVERY
        return removed

    def all(self) -> dict[str, int]:
        """Do all steps; returns the number of removed rows by kind."""
        total: Counter[str] = Counter()
        while step := self.step():
            total += step
        return dict(total)

    def step(self) -> Counter[str]:
        """Remove up to `chunk` rows of one kind; empty if no row is old enough."""
        now = self.clock()
        kept = self.retention
        rules: tuple[tuple[str, timedelta | None, Remove], ...] = (
            ("deliveries", kept.deliveries, self._of_a_notification),
            ("events", kept.events, retention_rows.remove_events),
            ("provider_events", kept.provider_events, retention_rows.remove_provider_events),
            ("audit_entries", kept.audit, retention_rows.remove_audit_entries),
            ("signals", kept.signals, signals.remove),
            ("drafts", kept.drafts, drafts.forget),
            ("console_sessions", timedelta(0), console_sessions.forget),
            ("gauges", _EVERY, lambda connection, before, _limit: metrics.forget_gauges(connection, before)),
        )
        for kind, age, remove in rules:
            if age is not None:
                removed = self.isolate.run("prune", kind, partial(self._remove, remove, now - age))
                if removed:
                    return Counter({kind: removed})
        return Counter()

    def _remove(self, remove: Remove, before: datetime) -> int:
        with self.database.write() as connection:
            return remove(connection, before, self.chunk)

    @staticmethod
    def _of_a_notification(connection: Connection, before: datetime, limit: int) -> int:
        """Remove rows of the oldest notification; its totals are stored first."""
        notification_id = retention_rows.next_notification(connection, before)
        if notification_id is None:
            return 0
        retention_rows.keep_numbers(connection, notification_id)
        return (
            retention_rows.remove_deliveries(connection, notification_id, limit)
            or retention_rows.remove_attempts(connection, notification_id, limit)
            or retention_rows.remove_frame(connection, notification_id)
        )
