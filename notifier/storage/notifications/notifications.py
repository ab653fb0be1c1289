"""Notifications: decisions to speak, with their frozen content and what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, and_, bindparam, func, or_, select, update

from notifier.domain.incidents.notice import Notice
from notifier.domain.recipients.audience import IncidentScope
from notifier.domain.values import Channel, DeliveryState, Impact, QueueName, Reason
from notifier.storage import tables as t
from notifier.storage.database.codec import announces_end, notice_from_json, notice_to_json
from notifier.storage.database.types import AnyRow
from notifier.storage.incidents import channel_state
from notifier.storage.incidents.channel_state import LATE
from notifier.storage.operations import retention


@dataclass(frozen=True, slots=True, kw_only=True)
class Follows:
    """Whom a notification tells again in their own language: readers of `locales` whom notification `id` told."""

    id: int
    locales: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredNotification:
    """A notification as planning and attempts need it. `id` is the ledger's number, `notice.id` the public one.

    One that `follows` another is no news: it stands beside the row of notifications that tell what a reader knows.
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
        """The channel it speaks on."""
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
    """Store a new notification and return its number."""
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
    if follows is not None:  # else it stays NULL; None would be the JSON value null
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
    """Return a notification by its number."""
    row = connection.execute(_GET, {"number": notification_id}).one_or_none()
    return None if row is None else _stored(row)


def get_public(connection: Connection, public_id: str) -> StoredNotification | None:
    """Return a notification by its public id."""
    row = connection.execute(select(t.notification).where(t.notification.c.public_id == public_id)).one_or_none()
    return None if row is None else _stored(row)


GOING = ("planning", "planned")  # what was held and never released concerns nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """A notification before another one of its incident and channel; see `audience.PriorNotification`."""

    id: int
    sequence: int
    episode_start: int
    ends: bool


_SAME_CHANNEL = (
    t.notification.c.incident_id == bindparam("incident_id"),
    t.notification.c.channel == bindparam("channel"),
)
# What was held and never released has a negative sequence, and no recipients.
_BEFORE = (*_SAME_CHANNEL, t.notification.c.sequence < bindparam("sequence"), t.notification.c.sequence > 0)
_EARLIER = (
    select(t.notification.c.id, t.notification.c.sequence, t.notification.c.round)
    .where(*_BEFORE, t.notification.c.follows.is_(None))
    .order_by(t.notification.c.sequence)
)
_OF_OTHER_EPISODES = select(t.notification.c.id, t.notification.c.content).where(
    *_BEFORE, t.notification.c.follows.is_(None), t.notification.c.round != bindparam("round")
)


def _parameters(stored: StoredNotification) -> dict[str, Any]:
    return {
        "incident_id": stored.notice.incident.id,
        "channel": stored.channel.value,
        "sequence": stored.notice.sequence,
    }


def earlier(connection: Connection, stored: StoredNotification) -> list[Earlier]:
    """Return the channel's earlier notifications of the incident, oldest first."""
    rows = connection.execute(_EARLIER, _parameters(stored)).all()
    ends = set()
    if rows and rows[0].round != stored.episode:
        contents = connection.execute(_OF_OTHER_EPISODES, {**_parameters(stored), "round": stored.episode})
        ends = {row.id for row in contents if announces_end(row.content)}
    starts: dict[int, int] = {}
    for row in rows:
        starts.setdefault(row.round, row.sequence)
    return [
        Earlier(id=row.id, sequence=row.sequence, episode_start=starts[row.round], ends=row.id in ends) for row in rows
    ]


_NEWEST = select(func.max(t.notification.c.sequence)).where(
    *_SAME_CHANNEL, t.notification.c.follows.is_(None), t.notification.c.state.in_(GOING)
)


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
    """Return the channel's oldest notification of this one's incident that is not planned yet; None where this one is.

    A recipient's standing is read from the deliveries of earlier notifications, so these must be planned first.
    """
    found = connection.execute(_FIRST_UNPLANNED, {"asked": notification_id}).scalar_one_or_none()
    return None if found is None else int(found)


def public_id_of(connection: Connection, notification_id: int) -> str:
    """Return the public id of a notification, whatever it says; the number itself where there is none."""
    found = select(t.notification.c.public_id).where(t.notification.c.id == notification_id)
    return connection.execute(found).scalar_one_or_none() or str(notification_id)


def queue_of(connection: Connection, notification_id: int) -> QueueName | None:
    """Return the lane of a notification, whatever it says."""
    found = connection.execute(
        select(t.notification.c.lane).where(t.notification.c.id == notification_id)
    ).scalar_one_or_none()
    return None if found is None else QueueName(found)


def newest_sequence(connection: Connection, incident_id: str, channel: Channel) -> int:
    """Return the sequence of the channel's newest notification of an incident that brought news; 0 without one."""
    values = {"incident_id": incident_id, "channel": channel.value}
    return connection.execute(_NEWEST, values).scalar_one() or 0


def newest(connection: Connection, incident_id: str, channel: Channel) -> StoredNotification | None:
    """Return the channel's newest notification of an incident that brought news."""
    n = t.notification.c
    sequence = newest_sequence(connection, incident_id, channel)
    of_channel = (n.incident_id == incident_id, n.channel == channel.value, n.sequence == sequence)
    notification_id = connection.execute(select(n.id).where(*of_channel)).scalar_one_or_none()
    return None if notification_id is None else get(connection, notification_id)


_FIRST_OF_ROUND = select(func.min(t.notification.c.sequence)).where(
    *_SAME_CHANNEL, t.notification.c.round == bindparam("round")
)


def first_of_episode(connection: Connection, incident_id: str, channel: Channel, episode: int) -> int | None:
    """Return the sequence of the first notification that a channel made of a round; None before it made one."""
    values = {"incident_id": incident_id, "channel": channel.value, "round": episode}
    first = connection.execute(_FIRST_OF_ROUND, values).scalar_one()
    return None if first is None else int(first)


_SET_STATE = update(t.notification).where(t.notification.c.id == bindparam("this"))


def set_state(connection: Connection, notification_id: int, state: str, now: datetime) -> None:
    """Move a notification between held, planning and planned."""
    values: dict[str, Any] = {"this": notification_id, "state": state}
    if state == "planned":
        values["planned_at"] = now
    connection.execute(_SET_STATE, values)


def unplanned(connection: Connection, older_than: datetime, limit: int) -> Sequence[int]:
    """Return notifications whose planning should have ended by now."""
    n = t.notification.c
    statement = (
        select(n.id).where(n.state == "planning", n.created_at <= older_than).order_by(n.created_at).limit(limit)
    )
    return [int(notification_id) for notification_id in connection.execute(statement).scalars()]


def is_fresh_planning(connection: Connection, since: datetime) -> bool:
    """Whether an audience that is in a hurry is being planned, of a notification decided at `since` or later."""
    n = t.notification.c
    statement = (
        select(n.id).where(n.state == "planning", n.created_at >= since, n.lane != QueueName.BULK.value).limit(1)
    )
    return connection.execute(statement).one_or_none() is not None


@cache
def _scopes_of_episode() -> Select[Any]:
    u, a = t.incident_update.c, t.announcement.c
    incident_id: BindParameter[str] = bindparam("incident_id")
    lead = select(u.number).where(u.incident_id == incident_id, u.id == bindparam("lead"))
    # What was absorbed belongs to no notification: it is as old as its place in the timeline says.
    not_announced = a.reason.in_((LATE, *channel_state.UNTOLD))
    absorbed = and_(a.sequence.is_(None), ~not_announced, u.number <= lead.scalar_subquery())
    return (
        select(u.incident)
        .join(t.announcement, and_(a.incident_id == u.incident_id, a.update_id == u.id))
        .where(
            u.incident_id == incident_id,
            a.channel == bindparam("channel"),
            a.round == bindparam("round"),
            or_(a.sequence <= bindparam("sequence"), absorbed),
        )
        .order_by(u.number)
    )


def scopes_of_episode(connection: Connection, stored: StoredNotification) -> list[IncidentScope]:
    """Return every reach the incident had in this round up to a notification, as its updates told, each once."""
    values = {**_parameters(stored), "round": stored.episode, "lead": stored.notice.lead.id}
    scopes: dict[IncidentScope, None] = {}
    for row in connection.execute(_scopes_of_episode(), values):
        components = frozenset(item["key"] for item in row.incident["components"])
        scopes[IncidentScope(impact=Impact(row.incident["impact"]), components=components)] = None
    return list(scopes)


_OLDER = select(t.notification.c.id).where(*_BEFORE)


def supersede_older(connection: Connection, incident_id: str, channel: Channel, sequence: int, now: datetime) -> int:
    """Replace what older notifications of this channel have not sent yet; returns how many batches that were.

    Webhooks keep their queue: whether an endpoint wants every update or the latest, and whether the newer one concerns
    it at all, is looked at before each attempt (`storage/deliveries/webhook_batches.py`).
    """
    if channel is Channel.WEBHOOK:
        return 0
    b, d = t.batch.c, t.delivery.c
    # As numbers, not as a subquery: without statistics PostgreSQL would rather read every delivery there ever was.
    known = {"incident_id": incident_id, "channel": channel.value, "sequence": sequence}
    older = list(connection.execute(_OLDER, known).scalars())
    if not older:
        return 0
    replaced = {"reason": Reason.NEWER_UPDATE.value, "state": DeliveryState.SUPERSEDED.value}
    # What is queued apart from its batch has a time of its own, and those times are indexed: deliveries may be many.
    parted = update(t.delivery).where(
        d.notification_id.in_(older), d.state == DeliveryState.QUEUED.value, d.due_at.is_not(None)
    )
    connection.execute(parted.values(**replaced, due_at=None, updated_at=now))
    whole = update(t.batch).where(b.notification_id.in_(older), b.state == DeliveryState.QUEUED.value)
    return connection.execute(whole.values(**replaced, due_at=None, finished_at=now)).rowcount


def of_incident(connection: Connection, incident_id: str) -> Sequence[AnyRow]:
    """Return the rows of an incident's notifications, in order of decision."""
    n = t.notification.c
    return connection.execute(select(t.notification).where(n.incident_id == incident_id).order_by(n.id)).all()


def counts(connection: Connection, notification_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """Return per notification how many deliveries are in each state."""
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
    # Of a pruned notification the numbers are left, and they stand from the moment its first delivery goes.
    return result | retention.numbers_of(connection, list(notification_ids))


def progress(connection: Connection, incident_ids: Sequence[str] | None = None) -> Sequence[AnyRow]:
    """Return (notification, channel, sequence, locale, state, deliveries) counted, for tables and metrics."""
    n, b, d = t.notification.c, t.batch.c, t.delivery.c
    state = func.coalesce(d.state, b.state)
    statement = (
        select(n.public_id, n.channel, n.sequence, b.locale, state.label("state"), func.count().label("deliveries"))
        .join(t.batch, b.id == d.batch_id)
        .join(t.notification, n.id == d.notification_id)
        .group_by(n.public_id, n.channel, n.sequence, b.locale, state)
    )
    if incident_ids is not None:
        statement = statement.where(n.incident_id.in_(incident_ids))
    return connection.execute(statement).all()
