"""Notifications: decisions to inform an audience, with their frozen content and state."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, select, update

from notifier.domain.incidents.notice import Notice
from notifier.domain.values import Channel, QueueName
from notifier.storage import tables as t
from notifier.storage.database.codec import notice_from_json, notice_to_json
from notifier.storage.database.types import AnyRow
from notifier.storage.operations import retention


@dataclass(frozen=True, slots=True, kw_only=True)
class Follows:
    """A late translation's audience: recipients of notification `id` who read one of `locales`."""

    id: int
    locales: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredNotification:
    """A notification as planning and attempts need it. `id` is internal, `notice.id` public.

    One that `follows` another brings no news and does not count towards a recipient's exposure.
    """

    id: int
    notice: Notice
    episode: int
    queue: QueueName
    state: str
    created_at: datetime
    follows: Follows | None = None

    @property
    def channel(self) -> Channel:
        """Its channel."""
        return self.notice.channel


_ADD = t.notification.insert().returning(t.notification.c.id)


def add(
    connection: Connection,
    notice: Notice,
    *,
    episode: int,
    urgency: str,
    queue: QueueName,
    state: str,
    follows: Follows | None = None,
) -> int:
    """Store a new notification and return its id."""
    row: dict[str, Any] = {
        "public_id": notice.id,
        "incident_id": notice.incident.id,
        "channel": notice.channel.value,
        "sequence": notice.sequence,
        "round": episode,
        "urgency": urgency,
        "content": notice_to_json(notice),
        "update_ids": [item.id for item in notice.updates if item.sequence == notice.sequence],
        "lane": queue.value,
        "state": state,
        "created_at": notice.created_at,
    }
    if follows is not None:  # otherwise NULL; None would become the JSON value null
        row["follows"] = {"id": follows.id, "locales": list(follows.locales)}
    return int(connection.execute(_ADD, row).scalar_one())


def _stored(row: AnyRow) -> StoredNotification:
    return StoredNotification(
        id=row.id,
        notice=notice_from_json(row.content),
        episode=row.round,
        queue=QueueName(row.lane),
        state=row.state,
        created_at=row.created_at,
        follows=Follows(id=row.follows["id"], locales=tuple(row.follows["locales"])) if row.follows else None,
    )


_GET = select(t.notification).where(t.notification.c.id == bindparam("number"))


def get(connection: Connection, notification_id: int) -> StoredNotification | None:
    """Return a notification by its internal id."""
    row = connection.execute(_GET, {"number": notification_id}).one_or_none()
    return None if row is None else _stored(row)


def get_public(connection: Connection, public_id: str) -> StoredNotification | None:
    """Return a notification by its public id."""
    row = connection.execute(select(t.notification).where(t.notification.c.public_id == public_id)).one_or_none()
    return None if row is None else _stored(row)


_ASKED = t.notification.alias("asked")
_FIRST_UNPLANNED = (
    select(t.notification.c.id)
    .join(
        _ASKED,
        and_(
            _ASKED.c.incident_id == t.notification.c.incident_id,
            _ASKED.c.channel == t.notification.c.channel,
            _ASKED.c.sequence >= t.notification.c.sequence,
        ),
    )
    .where(_ASKED.c.id == bindparam("asked"), _ASKED.c.state == "planning", t.notification.c.state == "planning")
    .order_by(t.notification.c.sequence)
    .limit(1)
)


def first_unplanned(connection: Connection, notification_id: int) -> int | None:
    """Return the oldest unplanned notification of the same incident and channel, up to this one.

    None if this one is planned. A recipient's exposure is read from the deliveries of earlier
    notifications, so those must be planned first.
    """
    found = connection.execute(_FIRST_UNPLANNED, {"asked": notification_id}).scalar_one_or_none()
    return None if found is None else int(found)


def public_id_of(connection: Connection, notification_id: int) -> str:
    """Return a notification's public id without reading its content; the internal id if unknown."""
    found = select(t.notification.c.public_id).where(t.notification.c.id == notification_id)
    return connection.execute(found).scalar_one_or_none() or str(notification_id)


def queue_of(connection: Connection, notification_id: int) -> QueueName | None:
    """Return a notification's queue without reading its content."""
    found = connection.execute(
        select(t.notification.c.lane).where(t.notification.c.id == notification_id)
    ).scalar_one_or_none()
    return None if found is None else QueueName(found)


_SET_STATE = update(t.notification).where(t.notification.c.id == bindparam("this"))


def set_state(connection: Connection, notification_id: int, state: str, now: datetime) -> None:
    """Set a notification's state: held, planning, planned or canceled."""
    values: dict[str, Any] = {"this": notification_id, "state": state}
    if state == "planned":
        values["planned_at"] = now
    connection.execute(_SET_STATE, values)


def unplanned(connection: Connection, older_than: datetime, limit: int) -> Sequence[int]:
    """Return notifications whose planning is overdue."""
    n = t.notification.c
    statement = (
        select(n.id).where(n.state == "planning", n.created_at <= older_than).order_by(n.created_at).limit(limit)
    )
    return [int(notification_id) for notification_id in connection.execute(statement).scalars()]


def is_fresh_planning(connection: Connection, since: datetime) -> bool:
    """Whether a notification decided since `since` and not low-priority is being planned."""
    n = t.notification.c
    statement = (
        select(n.id).where(n.state == "planning", n.created_at >= since, n.lane != QueueName.BULK.value).limit(1)
    )
    return connection.execute(statement).one_or_none() is not None


def of_incident(connection: Connection, incident_id: str) -> Sequence[AnyRow]:
    """Return the rows of an incident's notifications, in order of decision."""
    n = t.notification.c
    return connection.execute(select(t.notification).where(n.incident_id == incident_id).order_by(n.id)).all()


def counts(connection: Connection, notification_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """Return, per notification, the number of deliveries in each state."""
    b, d = t.batch.c, t.delivery.c
    own_state = func.coalesce(d.state, b.state)
    statement = (
        select(d.notification_id, own_state.label("state"), func.count().label("number"))
        .join(t.batch, b.id == d.batch_id)
        .where(d.notification_id.in_(notification_ids))
        .group_by(d.notification_id, own_state)
    )
    result: dict[int, dict[str, int]] = {notification_id: {} for notification_id in notification_ids}
    for row in connection.execute(statement):
        result[row.notification_id][row.state] = row.number
    # A pruned notification keeps its numbers; they are frozen when its first delivery is deleted.
    return result | retention.numbers_of(connection, list(notification_ids))
