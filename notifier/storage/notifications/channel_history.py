"""What a channel announced about an incident: earlier notifications, the newest, the episode.

A late translation, which follows another notification, is not news and does not count.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, and_, bindparam, func, or_, select

from notifier.domain.recipients.audience import IncidentScope
from notifier.domain.values import Channel, Impact
from notifier.storage import tables as t
from notifier.storage.database.codec import announces_end
from notifier.storage.incidents import channel_state
from notifier.storage.incidents.channel_state import LATE
from notifier.storage.notifications import notifications
from notifier.storage.notifications.notifications import StoredNotification

GOING = ("planning", "planned")  # held notifications that were never released concern nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """An earlier notification of an incident and channel; see `audience.PriorNotification`."""

    id: int
    sequence: int
    episode_start: int
    ends: bool


_SAME_CHANNEL = (
    t.notification.c.incident_id == bindparam("incident_id"),
    t.notification.c.channel == bindparam("channel"),
)
# A held notification that was never released has a negative sequence and no recipients.
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


def newest_sequence(connection: Connection, incident_id: str, channel: Channel) -> int:
    """Return the sequence of the channel's newest notification of an incident; 0 without one."""
    values = {"incident_id": incident_id, "channel": channel.value}
    return connection.execute(_NEWEST, values).scalar_one() or 0


def newest(connection: Connection, incident_id: str, channel: Channel) -> StoredNotification | None:
    """Return the channel's newest notification of an incident."""
    n = t.notification.c
    sequence = newest_sequence(connection, incident_id, channel)
    of_channel = (n.incident_id == incident_id, n.channel == channel.value, n.sequence == sequence)
    notification_id = connection.execute(select(n.id).where(*of_channel)).scalar_one_or_none()
    return None if notification_id is None else notifications.get(connection, notification_id)


_FIRST_OF_ROUND = select(func.min(t.notification.c.sequence)).where(
    *_SAME_CHANNEL, t.notification.c.round == bindparam("round")
)


def first_of_episode(connection: Connection, incident_id: str, channel: Channel, episode: int) -> int | None:
    """Return the first sequence of an episode on a channel; None before its first notification."""
    values = {"incident_id": incident_id, "channel": channel.value, "round": episode}
    first = connection.execute(_FIRST_OF_ROUND, values).scalar_one()
    return None if first is None else int(first)


@cache
def _newer() -> Select[Any]:
    n, newer = t.notification.c, t.notification.alias("newer")
    same = and_(n.incident_id == newer.c.incident_id, n.channel == newer.c.channel, n.sequence < newer.c.sequence)
    return (
        select(newer.c.id)
        .join(t.notification, same)
        .where(n.id == bindparam("this"), newer.c.follows.is_(None), newer.c.state.in_(GOING))
        .limit(1)
    )


def is_newest(connection: Connection, notification_id: int) -> bool:
    """Whether no newer notification of the same incident and channel brought news."""
    return connection.execute(_newer(), {"this": notification_id}).one_or_none() is None


@cache
def _scopes_of_episode() -> Select[Any]:
    u, a = t.incident_update.c, t.announcement.c
    incident_id: BindParameter[str] = bindparam("incident_id")
    lead = select(u.number).where(u.incident_id == incident_id, u.id == bindparam("lead"))
    # An absorbed update belongs to no notification: its place in the timeline gives its age.
    not_announced = a.reason.in_((LATE, *channel_state.NOT_ANNOUNCED))
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
    """Return the distinct scopes of the incident in this episode up to a notification."""
    values = {**_parameters(stored), "round": stored.episode, "lead": stored.notice.lead.id}
    scopes: dict[IncidentScope, None] = {}
    for row in connection.execute(_scopes_of_episode(), values):
        components = frozenset(item["key"] for item in row.incident["components"])
        scopes[IncidentScope(impact=Impact(row.incident["impact"]), components=components)] = None
    return list(scopes)


_OLDER = select(t.notification.c.id).where(*_BEFORE)


def older_ids(connection: Connection, incident_id: str, channel: Channel, sequence: int) -> list[int]:
    """Return the ids of the channel's older notifications, late translations included."""
    known = {"incident_id": incident_id, "channel": channel.value, "sequence": sequence}
    return list(connection.execute(_OLDER, known).scalars())
