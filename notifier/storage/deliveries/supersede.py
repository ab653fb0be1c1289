"""Supersede: a newer message replaces what has not been sent, for exactly its own recipients.

A newer notification may not go to everyone. A subscriber who wants milestones only, and whose first
message was in flight while the next update was planned, is not among its recipients. For them the
older message stays due.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select, update

from notifier.domain.values import Channel, DeliveryState, Reason
from notifier.storage import tables as t
from notifier.storage.deliveries import deliveries
from notifier.storage.deliveries.deliveries import DeliveryOverride
from notifier.storage.notifications import channel_history

_CHUNK = 500


def covered_by_newer(connection: Connection, notification_id: int, keys: Sequence[int]) -> set[int]:
    """Return the given recipients to whom a newer notification goes or will go.

    If planning has not reached a recipient yet, it will find their older message superseded and
    treat their exposure as pending.
    """
    n = t.notification.c
    this = t.notification.alias("this")
    same = (this.c.incident_id == n.incident_id) & (this.c.channel == n.channel) & (this.c.sequence < n.sequence)
    statement = select(n.id, n.state).join(this, same).where(this.c.id == notification_id, n.follows.is_(None))
    newer = connection.execute(statement).all()
    covered: set[int] = set()
    for row in newer:
        covered |= _recipient_keys(connection, row.id, keys)
        if row.state == "planning":
            covered |= _to_be_planned(connection, row.id, keys)
    return covered


def _recipient_keys(connection: Connection, notification_id: int, keys: Sequence[int]) -> set[int]:
    d = t.delivery.c
    found: set[int] = set()
    for start in range(0, len(keys), _CHUNK):
        some = keys[start : start + _CHUNK]
        statement = select(d.recipient_key).where(d.notification_id == notification_id, d.recipient_key.in_(some))
        found.update(connection.execute(statement).scalars())
    return found


def _to_be_planned(connection: Connection, notification_id: int, keys: Sequence[int]) -> set[int]:
    r = t.plan_range.c
    ranges = connection.execute(select(r.key_from, r.key_to, r.state).where(r.notification_id == notification_id)).all()
    if not ranges:
        return set(keys)
    todo = [(row.key_from, row.key_to) for row in ranges if row.state != "done"]
    return {key for key in keys if any(low <= key <= high for low, high in todo)}


def supersede_covered(connection: Connection, notification_id: int, batch_id: int, now: datetime) -> bool:
    """Supersede a batch's deliveries that a newer message covers; True if none remain.

    The caller must finish the batch itself.
    """
    d = t.delivery.c
    keys = list(connection.execute(select(d.recipient_key).where(d.batch_id == batch_id, d.state.is_(None))).scalars())
    covered = covered_by_newer(connection, notification_id, keys)
    replaced = [
        DeliveryOverride(recipient_key=key, state=DeliveryState.SUPERSEDED, reason=Reason.NEWER_UPDATE)
        for key in covered
    ]
    deliveries.detach(connection, notification_id, replaced, now)
    if replaced and len(replaced) < len(keys):
        left = len(keys) - len(replaced)
        connection.execute(update(t.batch).where(t.batch.c.id == batch_id).values(size=left))
    return len(replaced) == len(keys)


def supersede_older(connection: Connection, incident_id: str, channel: Channel, sequence: int, now: datetime) -> int:
    """Supersede what older notifications of this channel have not sent; returns the batch count.

    Webhook deliveries stay queued. Whether an endpoint wants every update or only the latest, and
    whether the newer one concerns it, is checked before each attempt
    (`storage/deliveries/webhook_batches.py`).
    """
    if channel is Channel.WEBHOOK:
        return 0
    b, d = t.batch.c, t.delivery.c
    # Ids, not a subquery: without statistics, PostgreSQL would scan all deliveries.
    older = channel_history.older_ids(connection, incident_id, channel, sequence)
    if not older:
        return 0
    replaced = {"reason": Reason.NEWER_UPDATE.value, "state": DeliveryState.SUPERSEDED.value}
    # Detached deliveries have a due time of their own, which is indexed; there may be many
    # deliveries.
    parted = update(t.delivery).where(
        d.notification_id.in_(older), d.state == DeliveryState.QUEUED.value, d.due_at.is_not(None)
    )
    connection.execute(parted.values(**replaced, due_at=None, updated_at=now))
    whole = update(t.batch).where(b.notification_id.in_(older), b.state == DeliveryState.QUEUED.value)
    return connection.execute(whole.values(**replaced, due_at=None, finished_at=now)).rowcount
