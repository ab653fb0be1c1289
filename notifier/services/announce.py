"""Announce: what a channel decides to say becomes a notification, inside the caller's transaction.

Ingest runs this for every event, so that what is due at once is decided before the producer has its answer; the sweep
runs it when a window ends. Deciding and storing are one transaction that holds the incident: sequences have no gaps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from notifier.domain import ids
from notifier.domain.coalesce import Absorb, ChannelState, CoalescePolicy, Nothing, Send, Wait, decide
from notifier.domain.incident import Incident
from notifier.domain.notice import Notice, NoticeUpdate, ToldWindow
from notifier.domain.values import Channel, Impact, Lane, Status
from notifier.services.guard import Guard
from notifier.services.ports import Clock, Nudge
from notifier.storage import channels, notifications, timeline
from notifier.storage.codec import incident_from_json
from notifier.storage.engine import Database

_FRESH_LANES = {Channel.EMAIL: Lane.EMAIL, Channel.SOCIAL: Lane.SOCIAL, Channel.WEBHOOK: Lane.WEBHOOK}
# Nobody's shop is down when these are mailed: they must never stand in front of news.
_UNHURRIED = frozenset({Status.SCHEDULED, Status.CANCELED, Status.POSTMORTEM})


def lane_for(channel: Channel, status: Status) -> Lane:
    """Return the queue a notification's first attempts go to."""
    return Lane.BULK if channel is Channel.EMAIL and status in _UNHURRIED else _FRESH_LANES[channel]


@dataclass(frozen=True, slots=True)
class Created:
    """A new notification; `held` until a person releases it, else to be planned."""

    number: int
    held: bool


def speak(
    connection: Connection,
    policies: Mapping[Channel, CoalescePolicy],
    incident_id: str,
    now: datetime,
    guard: Guard,
) -> list[Created]:
    """Let every channel say what is due about an incident; returns the new notifications.

    The caller's transaction must hold the incident (`timeline.lock_incident`).
    """
    created: list[Created] = []
    states = channels.load_states(connection, incident_id)
    for channel, policy in policies.items():
        state = states.get(channel, ChannelState())
        pending = channels.pending(connection, incident_id, channel)
        while isinstance(decision := decide(policy, state, pending, now), Send | Absorb):
            if isinstance(decision, Send):
                created.append(_create(connection, incident_id, channel, decision, now, guard=guard))
            else:
                _absorb(connection, incident_id, channel, state, decision)
            told = {update.id for update in decision.updates}
            state, pending = decision.state, [update for update in pending if update.id not in told]
        _settle(connection, incident_id, channel, state, decision)
    return created


def _absorb(connection: Connection, incident_id: str, channel: Channel, state: ChannelState, decision: Absorb) -> None:
    told = [update.id for update in decision.updates]
    channels.mark(connection, incident_id, channel, told, round_=state.round, sequence=None, reason=decision.reason)


def _settle(
    connection: Connection, incident_id: str, channel: Channel, state: ChannelState, decision: Wait | Nothing
) -> None:
    due_at, reason = (decision.until, decision.reason) if isinstance(decision, Wait) else (None, None)
    channels.save_state(connection, incident_id, channel, state, due_at=due_at, due_reason=reason)


def _create(
    connection: Connection, incident_id: str, channel: Channel, decision: Send, now: datetime, *, guard: Guard
) -> Created:
    """Freeze what is said now, and replace what has not been sent of what was said before."""
    state = decision.state
    told = [update.id for update in decision.updates]
    channels.mark(
        connection,
        incident_id,
        channel,
        told,
        round_=state.round,
        sequence=state.sequence,
        reason=decision.urgency,
    )
    rows = channels.announced_updates(connection, incident_id, channel)
    lead = decision.updates[-1]
    incident = next(incident_from_json(row.incident) for row in rows if row.id == lead.id)
    notice = Notice(
        id=f"ntf_{ids.new_ulid(now)}",
        channel=channel,
        sequence=state.sequence,
        incident=incident,
        updates=tuple(
            NoticeUpdate(
                id=row.id,
                status=Status(row.status),
                impact=Impact(row.incident["impact"]),
                body=row.body,
                posted_at=row.posted_at,
                sequence=row.sequence,
                created_at=row.created_at,
            )
            for row in rows
        ),
        opens=decision.opens,
        closes=decision.closes,
        created_at=now,
        # Not the least of the updates' sequences: one that was edited in place is announced anew, under a later one.
        round_start=state.sequence if decision.opens else _round_start(connection, incident_id, channel, state),
        windows=_windows(connection, channel, incident, state.sequence),
    )
    guarded = any(row.guarded for row in rows if row.id in told)
    held = guard.holds(connection, channel, notice.incident, lead.status, guarded=guarded)
    number = notifications.add(
        connection,
        notice,
        round_=state.round,
        urgency=decision.urgency,
        lane=lane_for(channel, lead.status),
        state="held" if held else "planning",
    )
    if not held:
        notifications.supersede_older(connection, incident_id, channel, state.sequence, now)
    return Created(number, held)


def _round_start(connection: Connection, incident_id: str, channel: Channel, state: ChannelState) -> int:
    first = notifications.first_of_round(connection, incident_id, channel, state.round)
    return state.sequence if first is None else first


def _windows(connection: Connection, channel: Channel, incident: Incident, sequence: int) -> tuple[ToldWindow, ...]:
    """Return the windows that a channel told of planned work: those of its newest notification, and the present one."""
    if incident.window is None:
        return ()
    before = notifications.newest(connection, incident.id, channel)
    told = before.notice.told_windows if before is not None else ()
    return told if told and told[-1].window == incident.window else (*told, ToldWindow(sequence, incident.window))


@dataclass(frozen=True)
class Announce:
    """Look again at incidents whose windows have ended."""

    database: Database
    policies: Mapping[Channel, CoalescePolicy]
    clock: Clock
    nudge: Nudge
    guard: Guard = field(default_factory=Guard)

    def __call__(self, incident_id: str) -> Sequence[int]:
        """Let every channel say what is due about one incident; returns the new notifications."""
        self.guard.prepare(self.database, self.policies)
        with self.database.write() as connection:
            if not timeline.lock_known_incident(connection, incident_id):
                return []
            created = speak(connection, self.policies, incident_id, self.clock(), self.guard)
        for new in created:
            if not new.held:
                self.nudge.plan(new.number)
        return [new.number for new in created]
