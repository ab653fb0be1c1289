"""Withheld: what the guard holds back is stored where nobody sees it; what a person lets go is shown and told.

One update waits on every channel. A person decides for each of those that are too large, or for all; the first release
shows the update, and with it the channels speak that nobody was asked about.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from notifier.domain import ids
from notifier.domain.incidents.coalesce import in_order, is_stale, send_released
from notifier.domain.incidents.coalesce_values import ChannelState, CoalescePolicy, PendingUpdate, Send
from notifier.domain.incidents.incident import Event
from notifier.domain.incidents.notice import Notice, NoticeUpdate
from notifier.domain.incidents.timeline import content_digest
from notifier.domain.incidents.translation import TranslationRule
from notifier.domain.recipients.blast_guard import HoldReason
from notifier.domain.values import Channel, Outcome
from notifier.services.events.announce import ChannelAnnouncer, queue_for
from notifier.services.events.late_translations import take_translation
from notifier.storage.database import Connection
from notifier.storage.incidents import channel_state, timeline
from notifier.storage.notifications import approvals, pending_edits
from notifier.storage.notifications.approvals import HeldNotification

Policies = Mapping[Channel, CoalescePolicy]


def withhold(
    connection: Connection,
    policies: Policies,
    event: Event,
    because: HoldReason,
    now: datetime,
    *,
    edit: Outcome | None,
    asked: Sequence[Channel],
) -> None:
    """Let an event wait for a person on every channel.

    Args:
        connection: A transaction that holds the incident; a new update is stored, an edit is not.
        policies: The channels.
        event: What waits.
        because: Which setting holds it.
        now: Aware UTC instant.
        edit: It changes an update that is shown, and this becomes of it then; None: it is a new update.
        asked: The channels for which a person decides, at least one.
    """
    incident_id, names, edits = event.incident.id, [event.update.id], edit is not None
    withdraw(connection, incident_id, event.update.id, edits_alone=edits)
    for channel in asked:
        notice = _notice(event, channel, approvals.next_sequence(connection, incident_id, channel), now)
        approvals.add(connection, notice, queue=queue_for(channel, event.update.status), because=because, is_edit=edits)
    if edit is not None:
        pending_edits.put(connection, event, edit)
        return
    states = channel_state.load_states(connection, incident_id)
    for channel in policies:
        episode = states.get(channel, ChannelState()).episode
        channel_state.mark(
            connection, incident_id, channel, names, episode=episode, sequence=None, reason=channel_state.HELD
        )


def _notice(event: Event, channel: Channel, sequence: int, now: datetime) -> Notice:
    """Show what waits; what is told is made when a person lets it go."""
    return Notice(
        id=f"ntf_{ids.new_ulid(now)}",
        channel=channel,
        sequence=sequence,
        incident=event.incident,
        updates=(NoticeUpdate.of(event, sequence),),
        opens=False,
        closes=False,
        created_at=now,
    )


def withdraw(connection: Connection, incident_id: str, update_id: str, *, edits_alone: bool) -> None:
    """End the waiting of an update, or of an edit of it: other words have taken their place."""
    pending_edits.drop(connection, incident_id, update_id)
    waiting = [each for each in approvals.of_incident(connection, incident_id) if update_id in each.update_ids]
    approvals.end(connection, [each.id for each in waiting if each.is_edit or not edits_alone], approvals.REPLACED)
    if not edits_alone:
        channel_state.forget(connection, incident_id, [update_id])


@dataclass(frozen=True, slots=True)
class ReleaseHeld:
    """Lets held notifications of one incident and channel go, inside a transaction that holds the incident."""

    connection: Connection
    policies: Policies
    translations: Mapping[Channel, TranslationRule]
    now: datetime

    def release(self, released: Sequence[HeldNotification]) -> list[int]:
        """Show, then tell. Returns the notifications to be planned.

        `released`: the oldest first, the one that was named last. Partners get each as a message of its own; for
        everybody else the one that was named tells all of it. What was posted before the channel's last word is shown
        and told to nobody: it would contradict that word.
        """
        incident_id = released[-1].incident_id
        going: list[int] = []
        by_update_id: dict[str, HeldNotification] = {}
        for each in released:
            for update_id in each.update_ids:
                words_alone, follows = self._show(each, update_id)
                going += follows
                if not words_alone:
                    by_update_id[update_id] = each
        timeline.describe_anew(self.connection, incident_id, self.now)
        return going + self._announce(released, by_update_id) + self._join(released)

    def _join(self, released: Sequence[HeldNotification]) -> list[int]:
        """Let the channels speak, in their own time, that waited without anybody being asked about them."""
        incident_id, names = released[-1].incident_id, [name for each in released for name in each.update_ids]
        waiting = {
            (each.channel, name)
            for each in approvals.of_incident(self.connection, incident_id)
            for name in each.update_ids
        }
        notification_ids: list[int] = []
        for channel in self.policies:
            own = [name for name in names if (channel, name) not in waiting]
            if channel_state.let_go(self.connection, incident_id, own, channel):
                voice, state = self._voice(incident_id, channel)
                _fresh(voice, state, own)
                notification_ids += voice.announce_due(state)
        return notification_ids

    def _voice(self, incident_id: str, channel: Channel) -> tuple[ChannelAnnouncer, ChannelState]:
        policy = self.policies.get(channel, CoalescePolicy())
        state = channel_state.load_states(self.connection, incident_id).get(channel, ChannelState())
        return ChannelAnnouncer(self.connection, policy, incident_id, channel, self.now), state

    def _show(self, each: HeldNotification, update_id: str) -> tuple[bool, list[int]]:
        """Let the public see it. Returns whether that is all, and the notifications that follow an older one."""
        incident_id = each.incident_id
        kept = pending_edits.find(self.connection, incident_id, update_id) if each.is_edit else None
        if kept is None:
            timeline.show(self.connection, incident_id, [update_id])
            return False, []
        event, outcome = kept
        pending_edits.drop(self.connection, incident_id, update_id)
        accepted = outcome is Outcome.ACCEPTED
        digest = content_digest(event)
        timeline.edit_update(self.connection, event, digest=digest, accepted_at=self.now if accepted else None)
        if accepted:
            return False, []
        return True, take_translation(self.connection, event, self.translations, self.now)

    def _announce(self, released: Sequence[HeldNotification], by_update: Mapping[str, HeldNotification]) -> list[int]:
        named = released[-1]
        voice, state = self._voice(named.incident_id, named.channel)
        channel_state.forget(self.connection, named.incident_id, list(by_update), named.channel)
        ours = _fresh(voice, state, by_update)
        sends = _sends(voice, state, _with_earlier(voice.pending(), ours))
        names = _names(sends, by_update, named, each_alone=voice.policy.window <= 0)
        approvals.make_room(self.connection, [each.id for each in released if each.public_id in names])
        approvals.end(
            self.connection, [each.id for each in released if each.public_id not in names], approvals.REPLACED
        )
        notification_ids = [voice.announce(send, name) for send, name in zip(sends, names, strict=True)]
        return notification_ids + voice.announce_due(sends[-1].state if sends else state)


def _fresh(voice: ChannelAnnouncer, state: ChannelState, update_ids: Collection[str]) -> list[PendingUpdate]:
    """Return those of these updates that the channel may still tell; the others it sets aside."""
    ours = [update for update in voice.pending() if update.id in update_ids]
    late = [update.id for update in ours if is_stale(state, update.ordered_at)]
    if late:
        voice.set_aside(late, state.episode, channel_state.LATE)
    return [update for update in ours if update.id not in late]


def _with_earlier(pending: Sequence[PendingUpdate], released: Sequence[PendingUpdate]) -> list[PendingUpdate]:
    """Return what was released with what waits for its window and was posted before: order never goes back."""
    if not released:
        return []
    newest = in_order(released)[-1]
    return [update for update in pending if update in released or in_order((update, newest))[-1] is newest]


def _sends(voice: ChannelAnnouncer, state: ChannelState, announced: Sequence[PendingUpdate]) -> list[Send]:
    sends = []
    while announced:
        send = send_released(voice.policy, state, announced, voice.now)
        sends.append(send)
        state, announced = send.state, [update for update in announced if update not in send.updates]
    return sends


def _names(
    sends: Sequence[Send], by_update: Mapping[str, HeldNotification], named: HeldNotification, *, each_alone: bool
) -> list[str | None]:
    """Return the public ids under which messages go out: those that a person knows them by."""
    if each_alone:
        leads = [by_update.get(send.updates[-1].id) for send in sends]
        return [lead.public_id if lead else None for lead in leads]
    return [None] * (len(sends) - 1) + [named.public_id] * bool(sends)
