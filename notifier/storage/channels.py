"""What each channel has said about each incident, and what it still has to say."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, exists, select

from notifier.domain.coalesce import ChannelState, PendingUpdate
from notifier.domain.values import Channel, Impact, Outcome, Status
from notifier.storage import tables as t
from notifier.storage.dialect import insert
from notifier.storage.types import AnyRow

LATE = "stale"  # why a channel set an update aside that came after it had said something newer


def load_state(connection: Connection, incident_id: str, channel: Channel) -> ChannelState:
    """Return the channel's state; a fresh one where it never spoke."""
    s = t.channel_state.c
    row = connection.execute(
        select(t.channel_state).where(s.incident_id == incident_id, s.channel == channel.value)
    ).one_or_none()
    if row is None:
        return ChannelState()
    return ChannelState(
        round=row.round,
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


def save_state(
    connection: Connection,
    incident_id: str,
    channel: Channel,
    state: ChannelState,
    *,
    due_at: datetime | None,
    due_reason: str | None,
) -> None:
    """Store the channel's state and when the sweep has to look again."""
    values: dict[str, Any] = {
        "round": state.round,
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
    statement = insert(connection, t.channel_state).values(incident_id=incident_id, channel=channel.value, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["incident_id", "channel"], set_=values))


def announced_until(connection: Connection, incident_id: str) -> datetime | None:
    """Return when the newest update was posted that any channel has announced."""
    s = t.channel_state.c
    times = connection.execute(select(s.announced_until).where(s.incident_id == incident_id)).scalars()
    return max((moment for moment in times if moment is not None), default=None)


def pending(connection: Connection, incident_id: str, channel: Channel) -> list[PendingUpdate]:
    """Return the updates this channel has neither announced nor set aside (absorbed, or too late for it)."""
    u, a = t.incident_update.c, t.announcement.c
    said = exists().where(a.incident_id == u.incident_id, a.channel == channel.value, a.update_id == u.id)
    statement = select(u.id, u.number, u.status, u.incident, u.posted_at, u.received_at, u.automatic).where(
        u.incident_id == incident_id,
        u.outcome.in_([Outcome.ACCEPTED.value, Outcome.STALE.value]),
        ~said,
    )
    return [
        PendingUpdate(
            id=row.id,
            order=row.number,
            status=Status(row.status),
            impact=Impact(row.incident["impact"]),
            components=frozenset(item["key"] for item in row.incident["components"]),
            posted_at=row.posted_at,
            received_at=row.received_at,
            automatic=row.automatic,
        )
        for row in connection.execute(statement)
    ]


def mark(
    connection: Connection,
    incident_id: str,
    channel: Channel,
    update_ids: Sequence[str],
    *,
    round_: int,
    sequence: int | None,
    reason: str,
) -> None:
    """Remember that the channel announced these updates (or absorbed them: `sequence` None)."""
    connection.execute(
        t.announcement.insert(),
        [
            {
                "incident_id": incident_id,
                "channel": channel.value,
                "update_id": update_id,
                "round": round_,
                "sequence": sequence,
                "reason": reason,
            }
            for update_id in update_ids
        ],
    )


def set_aside_where_late(connection: Connection, incident_id: str, update_id: str, posted_at: datetime) -> None:
    """Mark an update that has just come as too late for the channels that have said, or absorbed, something newer.

    Only on arrival: what waits already stays due, though a flap posted after it is absorbed meanwhile.
    """
    s = t.channel_state.c
    late = select(s.channel, s.round).where(s.incident_id == incident_id, s.announced_until > posted_at)
    for row in connection.execute(late).all():
        mark(connection, incident_id, Channel(row.channel), [update_id], round_=row.round, sequence=None, reason=LATE)


def forget(connection: Connection, incident_id: str, update_id: str) -> None:
    """Let every channel announce an update again: somebody asked for its edited text to be told."""
    a = t.announcement.c
    connection.execute(delete(t.announcement).where(and_(a.incident_id == incident_id, a.update_id == update_id)))


def announced_updates(connection: Connection, incident_id: str, channel: Channel) -> Sequence[AnyRow]:
    """Return the updates this channel announced, with texts, round and sequence, in order of posting."""
    u, a = t.incident_update.c, t.announcement.c
    statement = (
        select(u.id, u.status, u.body, u.incident, u.posted_at, u.number, u.guarded, a.round, a.sequence)
        .join(t.announcement, and_(a.incident_id == u.incident_id, a.update_id == u.id))
        .where(u.incident_id == incident_id, a.channel == channel.value, a.sequence.is_not(None))
        .order_by(u.posted_at, u.number)
    )
    return connection.execute(statement).all()


def due(connection: Connection, now: datetime, limit: int) -> Sequence[tuple[str, Channel]]:
    """Return (incident id, channel) whose time to speak has come."""
    s = t.channel_state.c
    statement = (
        select(s.incident_id, s.channel).where(s.due_at.is_not(None), s.due_at <= now).order_by(s.due_at).limit(limit)
    )
    return [(row.incident_id, Channel(row.channel)) for row in connection.execute(statement)]
