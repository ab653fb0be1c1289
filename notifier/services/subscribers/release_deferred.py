"""Recheck a mailbox's deferred messages after its quiet hours or hourly limit changed."""

from datetime import datetime

from notifier.domain.values import Reason
from notifier.storage.database import Connection
from notifier.storage.deliveries import batches, deliveries
from notifier.storage.planning import quiet_hours


def release_deferred(connection: Connection, address_key: int, now: datetime) -> int:
    """Make a mailbox's deferred messages due for another check; returns how many."""
    rows = quiet_hours.deferred_for(connection, address_key, now)
    for row in rows:
        batch = batches.from_row(row)
        batch_id = batches.add(
            connection,
            batch,
            size=1,
            due_at=now,
            queue=batch.queue,
            attempts=batch.attempts,
            reason=Reason(row.reason),
        )
        deliveries.move(connection, batch.notification_id, [address_key], batch_id, now=now)
        quiet_hours.resize(connection, batch, batch.size - 1)
    return len(rows)
