"""Notifications that wait for a person: which there are, and what becomes of them.

Each stands for one update (or one edit of it) on one channel. What it will say is made when it is released: the channel
may have said other things by then. Until then it has no place among the channel's messages: its sequence is negative.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, delete, func, select, update

from notifier.domain.incidents.notice import Notice
from notifier.domain.recipients.blast_guard import HoldReason
from notifier.domain.values import Channel, QueueName
from notifier.storage import tables as t
from notifier.storage.database.codec import notice_to_json
from notifier.storage.database.types import AnyRow
from notifier.storage.notifications import notifications

HELD, CANCELED, REPLACED, PLANNING = "held", "canceled", "superseded", "planning"
_UPDATE, _EDIT = "held", "held_edit"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldNotification:
    """One that waits. `id` is the ledger's number, `public_id` the one a person names.

    `update_ids` has one; several where the version before held a message, and those updates are shown already.
    """

    id: int
    public_id: str
    incident_id: str
    channel: Channel
    update_ids: tuple[str, ...]
    because: HoldReason
    is_edit: bool


def next_sequence(connection: Connection, incident_id: str, channel: Channel) -> int:
    """Return a number for a notification that waits; the caller's transaction must hold the incident."""
    n = t.notification.c
    statement = select(func.min(n.sequence)).where(n.incident_id == incident_id, n.channel == channel.value)
    return min(connection.execute(statement).scalar_one() or 0, 0) - 1


def add(connection: Connection, notice: Notice, *, queue: QueueName, because: HoldReason, is_edit: bool) -> None:
    """Store one that waits; `notice` shows what it is about, and has the number of `next_sequence`."""
    urgency = _EDIT if is_edit else _UPDATE
    notification_id = notifications.add(connection, notice, episode=0, urgency=urgency, queue=queue, state=HELD)
    content = notice_to_json(notice) | {"held_because": because.value}
    connection.execute(update(t.notification).where(t.notification.c.id == notification_id).values(content=content))


def find(connection: Connection, public_id: str) -> HeldNotification | None:
    """Return the notification of that id, if it waits."""
    row = connection.execute(_waiting().where(t.notification.c.public_id == public_id)).one_or_none()
    return None if row is None else _read(row)


def of_incident(connection: Connection, incident_id: str) -> list[HeldNotification]:
    """Return what waits of an incident on every channel, oldest first."""
    rows = connection.execute(_waiting().where(t.notification.c.incident_id == incident_id)).all()
    return [_read(row) for row in rows]


def _waiting() -> Select[Any]:
    n = t.notification.c
    return select(t.notification).where(n.state == HELD).order_by(n.id)


def _read(row: AnyRow) -> HeldNotification:
    return HeldNotification(
        id=row.id,
        public_id=row.public_id,
        incident_id=row.incident_id,
        channel=Channel(row.channel),
        update_ids=tuple(row.update_ids),
        because=HoldReason(row.content.get("held_because", HoldReason.NEEDS_ANNOUNCE)),
        is_edit=row.urgency == _EDIT,
    )


def end(connection: Connection, notification_ids: Sequence[int], state: str) -> None:
    """End the waiting of notifications that will not be sent under their own name."""
    connection.execute(update(t.notification).where(t.notification.c.id.in_(notification_ids)).values(state=state))


def make_room(connection: Connection, notification_ids: Sequence[int]) -> None:
    """Remove those whose public ids the released notifications bear from now on."""
    connection.execute(
        delete(t.notification).where(t.notification.c.id.in_(notification_ids), t.notification.c.state == HELD)
    )


def waiting(connection: Connection, limit: int) -> Sequence[AnyRow]:
    """Return the rows of what waits, oldest first."""
    return connection.execute(_waiting().limit(limit)).all()
