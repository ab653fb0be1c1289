"""Held notifications, which wait for an operator's release.

Each stands for one update (or one edit of it) on one channel. Its content is built on release,
because the channel may have announced other updates by then. Until then it is not in the channel's
sequence: its own sequence is negative.
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
    """A held notification. `id` is internal, `public_id` the one operators use.

    `update_ids` has one element; it has several if an earlier version held a whole message whose
    updates are already shown.
    """

    id: int
    public_id: str
    incident_id: str
    channel: Channel
    update_ids: tuple[str, ...]
    because: HoldReason
    is_edit: bool


def next_sequence(connection: Connection, incident_id: str, channel: Channel) -> int:
    """Return a sequence for a held notification; the caller must have locked the incident."""
    n = t.notification.c
    statement = select(func.min(n.sequence)).where(n.incident_id == incident_id, n.channel == channel.value)
    return min(connection.execute(statement).scalar_one() or 0, 0) - 1


def add(connection: Connection, notice: Notice, *, queue: QueueName, because: HoldReason, is_edit: bool) -> None:
    """Store a held notification. `notice` shows its subject and has a `next_sequence`."""
    urgency = _EDIT if is_edit else _UPDATE
    notification_id = notifications.add(connection, notice, episode=0, urgency=urgency, queue=queue, state=HELD)
    content = notice_to_json(notice) | {"held_because": because.value}
    connection.execute(update(t.notification).where(t.notification.c.id == notification_id).values(content=content))


def find(connection: Connection, public_id: str) -> HeldNotification | None:
    """Return the notification with this id if it is held."""
    row = connection.execute(_waiting().where(t.notification.c.public_id == public_id)).one_or_none()
    return None if row is None else _read(row)


def of_incident(connection: Connection, incident_id: str) -> list[HeldNotification]:
    """Return an incident's held notifications on every channel, oldest first."""
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
    """End the hold on notifications that will not be sent under their own id."""
    connection.execute(update(t.notification).where(t.notification.c.id.in_(notification_ids)).values(state=state))


def make_room(connection: Connection, notification_ids: Sequence[int]) -> None:
    """Delete held notifications whose public ids their released notifications take over."""
    connection.execute(
        delete(t.notification).where(t.notification.c.id.in_(notification_ids), t.notification.c.state == HELD)
    )


def waiting(connection: Connection, limit: int) -> Sequence[AnyRow]:
    """Return the rows of held notifications, oldest first."""
    return connection.execute(_waiting().limit(limit)).all()
