"""Provider events on deliveries: read and written in sets."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from notifier.domain.values import Channel, DeliveryState, Reason
from notifier.storage import tables as t

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class LockedDelivery:
    """A locked delivery: its effective state and its batch."""

    state: DeliveryState
    batch_id: int


def mail_notifications(connection: Connection, public_ids: Collection[str]) -> dict[str, int]:
    """Return the ids of the given e-mail notifications, by public id, as far as they exist."""
    n = t.notification.c
    found: dict[str, int] = {}
    names = sorted(public_ids)
    for start in range(0, len(names), _CHUNK):
        some = names[start : start + _CHUNK]
        statement = select(n.public_id, n.id).where(n.public_id.in_(some), n.channel == Channel.EMAIL.value)
        found |= {row.public_id: row.id for row in connection.execute(statement)}
    return found


def lock_deliveries(
    connection: Connection, notification_id: int, keys: Collection[int]
) -> Mapping[int, LockedDelivery]:
    """Return these deliveries, locked in one fixed order to avoid deadlocks."""
    d, b = t.delivery.c, t.batch.c
    ordered = sorted(keys)
    found: dict[int, LockedDelivery] = {}
    for start in range(0, len(ordered), _CHUNK):
        statement = (
            select(d.recipient_key, d.batch_id, func.coalesce(d.state, b.state).label("state"))
            .join(t.batch, b.id == d.batch_id)
            .where(d.notification_id == notification_id, d.recipient_key.in_(ordered[start : start + _CHUNK]))
            .order_by(d.recipient_key)
            .with_for_update(of=t.delivery)
        )
        for row in connection.execute(statement):
            found[row.recipient_key] = LockedDelivery(DeliveryState(row.state), row.batch_id)
    return found


def set_states(
    connection: Connection,
    notification_id: int,
    keys: Sequence[int],
    *,
    state: DeliveryState,
    reason: Reason | None,
    now: datetime,
) -> None:
    """Give deliveries a final state of their own."""
    d = t.delivery.c
    values = {"state": state.value, "reason": reason.value if reason else None, "due_at": None, "updated_at": now}
    ordered = sorted(keys)
    for start in range(0, len(ordered), _CHUNK):
        some = ordered[start : start + _CHUNK]
        statement = update(t.delivery).where(d.notification_id == notification_id, d.recipient_key.in_(some))
        connection.execute(statement.values(values))
