"""What each channel has announced about each incident, and what is pending.

Statements that run for every event are built once: building one takes longer than running it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import BindParameter, Connection, and_, bindparam, delete, exists, select, update

from notifier.domain.incidents.coalesce_values import ChannelState, PendingUpdate
from notifier.domain.values import Channel, Impact, Outcome, Status
from notifier.storage import tables as t
from notifier.storage.database.dialect import AnyInsert, prepared_insert
from notifier.storage.database.types import AnyRow

LATE = "stale"  # reason for setting aside an update that arrived after a newer one was announced
HELD, CANCELED = NOT_ANNOUNCED = ("held", "canceled")  # waits for an operator; canceled by one


_INCIDENT: BindParameter[str] = bindparam("incident_id")
_CHANNEL: BindParameter[str] = bindparam("channel")
_STATES = select(t.channel_state).where(t.channel_state.c.incident_id == _INCIDENT)


def _or_update(insert: AnyInsert) -> AnyInsert:
    key = ["incident_id", "channel"]
    values = {column.name: column for column in insert.excluded if column.name not in key}
    return insert.on_conflict_do_update(index_elements=key, set_=values)


_SAVE_STATE = prepared_insert(t.channel_state, _or_update)


def load_states(connection: Connection, incident_id: str) -> Mapping[Channel, ChannelState]:
    """Return the states of the channels that have announced or considered something."""
    rows = connection.execute(_STATES, {"incident_id": incident_id})
    return {
        Channel(row.channel): ChannelState(
            episode=row.round,
            sequence=row.sequence,
            opened=row.opened,
            closed=row.closed,
            last_sent_at=row.last_sent_at,
            window=row.window,
            status=Status(row.status) if row.status else None,
            impact=Impact(row.impact),
            components=frozenset(row.components),
            announced_until=row.announced_until,
        )
        for row in rows
    }


def save_state(
    connection: Connection,
    incident_id: str,
    channel: Channel,
    state: ChannelState,
    *,
    due_at: datetime | None,
    due_reason: str | None,
) -> None:
    """Store the channel's state and when the sweep must look again."""
    row = {
        "incident_id": incident_id,
        "channel": channel.value,
        "round": state.episode,
        "sequence": state.sequence,
        "opened": state.opened,
        "closed": state.closed,
        "last_sent_at": state.last_sent_at,
        "window": state.window,
        "status": state.status.value if state.status else None,
        "impact": state.impact.value,
        "components": sorted(state.components),
        "announced_until": state.announced_until,
        "due_at": due_at,
        "due_reason": due_reason,
    }
    connection.execute(_SAVE_STATE(connection), row)


def announced_until(states: Mapping[Channel, ChannelState]) -> datetime | None:
    """Return `ordered_at` of the newest update announced on any channel."""
    times = [state.announced_until for state in states.values() if state.announced_until is not None]
    return max(times, default=None)


_SAID = exists().where(
    t.announcement.c.incident_id == t.incident_update.c.incident_id,
    t.announcement.c.channel == _CHANNEL,
    t.announcement.c.update_id == t.incident_update.c.id,
)
_PENDING = select(
    t.incident_update.c.id,
    t.incident_update.c.number,
    t.incident_update.c.status,
    t.incident_update.c.incident,
    t.ordered_at.label("ordered_at"),
    t.incident_update.c.received_at,
    t.incident_update.c.automatic,
).where(
    t.incident_update.c.incident_id == _INCIDENT,
    t.incident_update.c.outcome.in_([Outcome.ACCEPTED.value, Outcome.STALE.value]),
    ~_SAID,
)
_MARK = t.announcement.insert()


def pending(connection: Connection, incident_id: str, channel: Channel) -> list[PendingUpdate]:
    """Return the updates that this channel neither announced nor set aside (absorbed, or late)."""
    return [
        PendingUpdate(
            id=row.id,
            order=row.number,
            status=Status(row.status),
            impact=Impact(row.incident["impact"]),
            components=frozenset(item["key"] for item in row.incident["components"]),
            ordered_at=row.ordered_at,
            received_at=row.received_at,
            automatic=row.automatic,
        )
        for row in connection.execute(_PENDING, {"incident_id": incident_id, "channel": channel.value})
    ]


def mark(
    connection: Connection,
    incident_id: str,
    channel: Channel,
    update_ids: Sequence[str],
    *,
    episode: int,
    sequence: int | None,
    reason: str,
) -> None:
    """Record that the channel announced these updates (or absorbed them: `sequence` None)."""
    connection.execute(
        _MARK,
        [
            {
                "incident_id": incident_id,
                "channel": channel.value,
                "update_id": update_id,
                "round": episode,
                "sequence": sequence,
                "reason": reason,
            }
            for update_id in update_ids
        ],
    )


def set_aside_where_late(connection: Connection, incident_id: str, update_id: str, ordered_at: datetime) -> None:
    """Mark a new update as late on the channels that announced or absorbed something newer.

    Only on arrival: a pending update stays due even if a flap posted after it is absorbed.
    """
    s = t.channel_state.c
    late = select(s.channel, s.round).where(s.incident_id == incident_id, s.announced_until > ordered_at)
    for row in connection.execute(late).all():
        mark(connection, incident_id, Channel(row.channel), [update_id], episode=row.round, sequence=None, reason=LATE)


def forget(connection: Connection, incident_id: str, update_ids: Sequence[str], channel: Channel | None = None) -> None:
    """Make updates announceable (again) on one channel or all: they were edited or released."""
    a = t.announcement.c
    statement = delete(t.announcement).where(a.incident_id == incident_id, a.update_id.in_(update_ids))
    connection.execute(statement if channel is None else statement.where(a.channel == channel.value))


def unhold(connection: Connection, incident_id: str, update_ids: Sequence[str], channel: Channel) -> bool:
    """Release the held ones among these updates on a channel; False if none was held."""
    a = t.announcement.c
    condition = (
        a.incident_id == incident_id,
        a.update_id.in_(update_ids),
        a.channel == channel.value,
        a.reason == HELD,
    )
    return connection.execute(delete(t.announcement).where(*condition)).rowcount > 0


def call_off(connection: Connection, incident_id: str, update_ids: Sequence[str], channel: Channel) -> None:
    """Record that a channel will never announce these held updates."""
    a = t.announcement.c
    condition = (a.incident_id == incident_id, a.update_id.in_(update_ids), a.channel == channel.value)
    connection.execute(update(t.announcement).where(*condition).values(sequence=None, reason=CANCELED))


_ANNOUNCED = (
    select(
        t.incident_update.c.id,
        t.incident_update.c.status,
        t.incident_update.c.body,
        t.incident_update.c.incident,
        t.incident_update.c.posted_at,
        t.incident_update.c.created_at,
        t.incident_update.c.next_update_at,
        t.incident_update.c.reminder,
        t.incident_update.c.number,
        t.incident_update.c.visible,
        t.announcement.c.round,
        t.announcement.c.sequence,
    )
    .join(
        t.announcement,
        and_(
            t.announcement.c.incident_id == t.incident_update.c.incident_id,
            t.announcement.c.update_id == t.incident_update.c.id,
        ),
    )
    .where(
        t.incident_update.c.incident_id == _INCIDENT,
        t.announcement.c.channel == _CHANNEL,
        t.announcement.c.sequence.is_not(None),
    )
    .order_by(t.ordered_at, t.incident_update.c.number)
)


def announced_updates(connection: Connection, incident_id: str, channel: Channel) -> Sequence[AnyRow]:
    """Return the updates this channel announced, with text, episode and sequence, oldest first."""
    return connection.execute(_ANNOUNCED, {"incident_id": incident_id, "channel": channel.value}).all()


def due(connection: Connection, now: datetime, limit: int) -> Sequence[tuple[str, Channel]]:
    """Return the (incident id, channel) pairs that are due to announce."""
    s = t.channel_state.c
    statement = (
        select(s.incident_id, s.channel).where(s.due_at.is_not(None), s.due_at <= now).order_by(s.due_at).limit(limit)
    )
    return [(row.incident_id, Channel(row.channel)) for row in connection.execute(statement)]
