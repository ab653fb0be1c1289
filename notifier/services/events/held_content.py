"""Store held updates invisibly; show and announce them once released.

An update is held on every channel. An operator decides for each channel that is over its limit, or
for all. The first release makes the update visible, and with it the channels that needed no
decision announce it.
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
    """Hold an event on every channel.

    Args:
        connection: A transaction that has locked the incident. Stores a new update; an edit's
            update exists already.
        policies: The channels' policies.
        event: The held event.
        because: The setting that holds it.
        now: Aware UTC instant.
        edit: Outcome of an edit of a visible update once released; None for a new update.
        asked: The channels that need an operator's decision, at least one.
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
    """Return a notice for display; the announced one is built on release."""
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
    """End the hold of an update, or of its edits, because new content has replaced it."""
    pending_edits.drop(connection, incident_id, update_id)
    waiting = [each for each in approvals.of_incident(connection, incident_id) if update_id in each.update_ids]
    approvals.end(connection, [each.id for each in waiting if each.is_edit or not edits_alone], approvals.REPLACED)
    if not edits_alone:
        channel_state.forget(connection, incident_id, [update_id])


@dataclass(frozen=True, slots=True)
class ReleaseHeld:
    """Releases held notifications of one incident and channel; the incident must be locked."""

    connection: Connection
    policies: Policies
    translations: Mapping[Channel, TranslationRule]
    now: datetime

    def release(self, released: Sequence[HeldNotification]) -> list[int]:
        """Make held updates visible, then announce them; returns notifications to be planned.

        `released`: oldest first, the requested one last. Webhooks get one message each; other
        channels one message for all. An update older than the channel's last announcement becomes
        visible but is not sent, because it would contradict that announcement.
        """
        incident_id = released[-1].incident_id
        going: list[int] = []
        by_update_id: dict[str, HeldNotification] = {}
        for each in released:
            for update_id in each.update_ids:
                edits_only, follows = self._show(each, update_id)
                going += follows
                if not edits_only:
                    by_update_id[update_id] = each
        timeline.refresh_description(self.connection, incident_id, self.now)
        return going + self._announce(released, by_update_id) + self._join(released)

    def _join(self, released: Sequence[HeldNotification]) -> list[int]:
        """Announce on the channels that needed no decision, by their own coalescing rules."""
        incident_id, names = released[-1].incident_id, [name for each in released for name in each.update_ids]
        waiting = {
            (each.channel, name)
            for each in approvals.of_incident(self.connection, incident_id)
            for name in each.update_ids
        }
        notification_ids: list[int] = []
        for channel in self.policies:
            own = [name for name in names if (channel, name) not in waiting]
            if channel_state.unhold(self.connection, incident_id, own, channel):
                announcer, state = self._announcer(incident_id, channel)
                _fresh(announcer, state, own)
                notification_ids += announcer.announce_due(state)
        return notification_ids

    def _announcer(self, incident_id: str, channel: Channel) -> tuple[ChannelAnnouncer, ChannelState]:
        policy = self.policies.get(channel, CoalescePolicy())
        state = channel_state.load_states(self.connection, incident_id).get(channel, ChannelState())
        return ChannelAnnouncer(self.connection, policy, incident_id, channel, self.now), state

    def _show(self, each: HeldNotification, update_id: str) -> tuple[bool, list[int]]:
        """Make an update or edit visible.

        Returns whether nothing is left to announce, and the notifications of added translations.
        """
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
        announcer, state = self._announcer(named.incident_id, named.channel)
        channel_state.forget(self.connection, named.incident_id, list(by_update), named.channel)
        ours = _fresh(announcer, state, by_update)
        sends = _sends(announcer, state, _with_earlier(announcer.pending(), ours))
        names = _names(sends, by_update, named, each_alone=announcer.policy.window <= 0)
        approvals.make_room(self.connection, [each.id for each in released if each.public_id in names])
        approvals.end(
            self.connection, [each.id for each in released if each.public_id not in names], approvals.REPLACED
        )
        notification_ids = [announcer.announce(send, name) for send, name in zip(sends, names, strict=True)]
        return notification_ids + announcer.announce_due(sends[-1].state if sends else state)


def _fresh(announcer: ChannelAnnouncer, state: ChannelState, update_ids: Collection[str]) -> list[PendingUpdate]:
    """Return the updates that the channel may still announce; set the others aside as late."""
    ours = [update for update in announcer.pending() if update.id in update_ids]
    late = [update.id for update in ours if is_stale(state, update.ordered_at)]
    if late:
        announcer.set_aside(late, state.episode, channel_state.LATE)
    return [update for update in ours if update.id not in late]


def _with_earlier(pending: Sequence[PendingUpdate], released: Sequence[PendingUpdate]) -> list[PendingUpdate]:
    """Return the released updates and older pending ones, so that updates stay in order."""
    if not released:
        return []
    newest = in_order(released)[-1]
    return [update for update in pending if update in released or in_order((update, newest))[-1] is newest]


def _sends(announcer: ChannelAnnouncer, state: ChannelState, announced: Sequence[PendingUpdate]) -> list[Send]:
    sends = []
    while announced:
        send = send_released(announcer.policy, state, announced, announcer.now)
        sends.append(send)
        state, announced = send.state, [update for update in announced if update not in send.updates]
    return sends


def _names(
    sends: Sequence[Send], by_update: Mapping[str, HeldNotification], named: HeldNotification, *, each_alone: bool
) -> list[str | None]:
    """Return the messages' public ids: a held notification's own id where there is one."""
    if each_alone:
        leads = [by_update.get(send.updates[-1].id) for send in sends]
        return [lead.public_id if lead else None for lead in leads]
    return [None] * (len(sends) - 1) + [named.public_id] * bool(sends)
