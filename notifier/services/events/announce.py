"""Announce: create notifications for the updates that a channel sends now.

Runs inside the caller's transaction. Ingest runs it for every event, so that the producer's answer
follows the decision; the sweep runs it when a window ends. The transaction locks the incident, so
that sequences have no gaps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from notifier.domain import ids
from notifier.domain.incidents.coalesce import decide
from notifier.domain.incidents.coalesce_values import (
    Absorb,
    ChannelState,
    CoalescePolicy,
    Nothing,
    PendingUpdate,
    Send,
    Wait,
)
from notifier.domain.incidents.incident import Incident
from notifier.domain.incidents.notice import AnnouncedWindow, Notice, NoticeUpdate
from notifier.domain.values import Channel, Impact, QueueName, Status
from notifier.services.ports import Clock, TaskQueue
from notifier.storage.database import Connection
from notifier.storage.database.codec import incident_from_json
from notifier.storage.database.engine import Database
from notifier.storage.database.types import AnyRow
from notifier.storage.deliveries import supersede
from notifier.storage.incidents import channel_state, timeline
from notifier.storage.notifications import channel_history, notifications

_FIRST_ATTEMPT_QUEUES = {
    Channel.EMAIL: QueueName.EMAIL,
    Channel.SOCIAL: QueueName.SOCIAL,
    Channel.WEBHOOK: QueueName.WEBHOOK,
}
# Low-priority mail: no disruption is in progress, so it must never delay other news.
_UNHURRIED = frozenset({Status.SCHEDULED, Status.CANCELED, Status.POSTMORTEM})


def queue_for(channel: Channel, status: Status) -> QueueName:
    """Return the queue a notification's first attempts go to."""
    return QueueName.BULK if channel is Channel.EMAIL and status in _UNHURRIED else _FIRST_ATTEMPT_QUEUES[channel]


def announce_due(
    connection: Connection, policies: Mapping[Channel, CoalescePolicy], incident_id: str, now: datetime
) -> list[int]:
    """Announce what is due on every channel; returns the new notifications, to be planned.

    The caller's transaction must have locked the incident (`timeline.lock_incident`).
    """
    states = channel_state.load_states(connection, incident_id)
    created: list[int] = []
    for channel, policy in policies.items():
        announcer = ChannelAnnouncer(connection, policy, incident_id, channel, now)
        created += announcer.announce_due(states.get(channel, ChannelState()))
    return created


@dataclass(frozen=True, slots=True)
class ChannelAnnouncer:
    """Announces one incident on one channel, in a transaction that has locked the incident."""

    connection: Connection
    policy: CoalescePolicy
    incident_id: str
    channel: Channel
    now: datetime

    def pending(self) -> list[PendingUpdate]:
        """Return the updates that the channel has neither announced nor absorbed."""
        return channel_state.pending(self.connection, self.incident_id, self.channel)

    def announce_due(self, state: ChannelState) -> list[int]:
        """Announce what is due and store when more is; returns the new notifications."""
        created: list[int] = []
        pending = self.pending()
        while isinstance(decision := decide(self.policy, state, pending, self.now), Send | Absorb):
            if isinstance(decision, Send):
                created.append(self.announce(decision))
            else:
                self.set_aside([item.id for item in decision.updates], state.episode, decision.reason)
            announced = {update.id for update in decision.updates}
            state, pending = decision.state, [update for update in pending if update.id not in announced]
        self._settle(state, decision)
        return created

    def set_aside(self, update_ids: Sequence[str], episode: int, reason: str) -> None:
        """Record that these updates are not sent to anyone."""
        self._mark(update_ids, episode, None, reason)

    def _mark(self, update_ids: Sequence[str], episode: int, sequence: int | None, reason: str) -> None:
        where = (self.connection, self.incident_id, self.channel)
        channel_state.mark(*where, update_ids, episode=episode, sequence=sequence, reason=reason)

    def _settle(self, state: ChannelState, decision: Wait | Nothing) -> None:
        due_at, reason = (decision.until, decision.reason) if isinstance(decision, Wait) else (None, None)
        where = (self.connection, self.incident_id, self.channel)
        channel_state.save_state(*where, state, due_at=due_at, due_reason=reason)

    def announce(self, decision: Send, public_id: str | None = None) -> int:
        """Store a notification and supersede unsent deliveries of earlier ones."""
        state, lead = decision.state, decision.updates[-1]
        self._mark([update.id for update in decision.updates], state.episode, state.sequence, decision.urgency)
        notification_id = notifications.add(
            self.connection,
            self._notice(decision, public_id or f"ntf_{ids.new_ulid(self.now)}"),
            episode=state.episode,
            urgency=decision.urgency,
            queue=queue_for(self.channel, lead.status),
            state="planning",
        )
        supersede.supersede_older(self.connection, self.incident_id, self.channel, state.sequence, self.now)
        return notification_id

    def _notice(self, decision: Send, public_id: str) -> Notice:
        state, lead = decision.state, decision.updates[-1]
        rows = channel_state.announced_updates(self.connection, self.incident_id, self.channel)
        incident = next(incident_from_json(row.incident) for row in rows if row.id == lead.id)
        return Notice(
            id=public_id,
            channel=self.channel,
            sequence=state.sequence,
            incident=incident,
            updates=tuple(_notice_update(row) for row in rows if row.visible),
            opens=decision.opens,
            closes=decision.closes,
            created_at=self.now,
            # Not the lowest sequence of the updates: an edited update is announced again, later.
            episode_start=state.sequence if decision.opens else self._episode_start(state),
            windows=_windows(self.connection, self.channel, incident, state.sequence),
        )

    def _episode_start(self, state: ChannelState) -> int:
        first = channel_history.first_of_episode(self.connection, self.incident_id, self.channel, state.episode)
        return state.sequence if first is None else first


def _notice_update(row: AnyRow) -> NoticeUpdate:
    return NoticeUpdate(
        id=row.id,
        status=Status(row.status),
        impact=Impact(row.incident["impact"]),
        body=row.body,
        posted_at=row.posted_at,
        sequence=row.sequence,
        created_at=row.created_at,
        next_update_at=row.next_update_at,
        reminder=row.reminder,
    )


def _windows(
    connection: Connection, channel: Channel, incident: Incident, sequence: int
) -> tuple[AnnouncedWindow, ...]:
    """Return the maintenance windows that a channel has announced, including the current one."""
    if incident.window is None:
        return ()
    before = channel_history.newest(connection, incident.id, channel)
    announced = before.notice.announced_windows if before is not None else ()
    return (
        announced
        if announced and announced[-1].window == incident.window
        else (*announced, AnnouncedWindow(sequence, incident.window))
    )


@dataclass(frozen=True)
class Announce:
    """Announce incidents whose windows have ended."""

    database: Database
    policies: Mapping[Channel, CoalescePolicy]
    clock: Clock
    tasks: TaskQueue

    def run(self, incident_id: str) -> Sequence[int]:
        """Announce what is due on every channel; returns the new notifications."""
        with self.database.write() as connection:
            if not timeline.lock_known_incident(connection, incident_id):
                return []
            created = announce_due(connection, self.policies, incident_id, self.clock())
        for notification_id in created:
            self.tasks.plan(notification_id)
        return created
