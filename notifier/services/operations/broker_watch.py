"""Alert when work is due but the broker takes no messages for a minute; clears itself."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from notifier.domain.values import Reason
from notifier.services.ports import Clock, StoreCheck
from notifier.storage.database import Connection
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import due_batches
from notifier.storage.incidents import channel_state
from notifier.storage.notifications import notifications
from notifier.storage.operations import alerts

ALERT_KEY = "broker"
GRACE = timedelta(minutes=1)
_EVERY = timedelta(seconds=10)


@dataclass
class WatchBroker:
    """A chore of the sweep. The broker may take a second, so it is asked only if work is overdue."""

    database: Database
    clock: Clock
    broker: StoreCheck
    name: str = "broker"
    _rests_until: datetime | None = field(default=None, repr=False)

    def run(self) -> int:
        """Check, at most every few seconds; returns 1 if the alert was raised or cleared."""
        now = self.clock()
        if self._rests_until is not None and now < self._rests_until:
            return 0
        self._rests_until = now + _EVERY
        with self.database.read() as connection:
            waits = _has_waited(connection, now - GRACE)
            is_raised = any(row.key == ALERT_KEY for row in alerts.current(connection))
        trouble = self.broker.trouble() if waits or is_raised else None
        if (trouble is not None) == is_raised:
            return 0
        with self.database.write() as connection:
            if trouble is None:
                alerts.clear(connection, ALERT_KEY)
            else:
                alerts.raise_(connection, ALERT_KEY, Reason.UNREACHABLE, trouble, now)
        return 1


def _has_waited(connection: Connection, since: datetime) -> bool:
    """Whether a batch, a plan or a window end has been due since then."""
    return bool(
        due_batches.queues_with_due(connection, since)
        or notifications.unplanned(connection, since, 1)
        or channel_state.due(connection, since, 1)
    )
