"""Ingest: store an event and decide what is due in one transaction, then answer the producer."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from notifier.domain.errors import UnavailableError
from notifier.domain.incidents.coalesce import is_stale
from notifier.domain.incidents.coalesce_values import ChannelState, CoalescePolicy
from notifier.domain.incidents.incident import Event, Incident
from notifier.domain.incidents.snapshot import complete, needs_earlier
from notifier.domain.incidents.timeline import (
    Classification,
    TimelineContext,
    TimelineEntry,
    believed,
    classify,
    content_digest,
    event_digest,
    measured_against,
    timeline_context,
)
from notifier.domain.incidents.translation import TranslationRule
from notifier.domain.recipients.blast_guard import HoldReason
from notifier.domain.values import Channel, Outcome
from notifier.services.conflicts import is_reused, refuse_outdated
from notifier.services.events.announce import announce_due
from notifier.services.events.blast_guard import BlastGuard
from notifier.services.events.held_content import withdraw, withhold
from notifier.services.events.late_translations import follow_ups, take_translation
from notifier.services.ports import Clock, TaskQueue
from notifier.services.security.audit import record_published
from notifier.storage.database import Connection
from notifier.storage.database.engine import Database
from notifier.storage.incidents import channel_state, timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The answer to a producer.

    `recipients`: number of recipients over all channels, as of the last count.
    `held`: an operator must release it first.
    `reused`: a duplicate by event id only; its content differs.
    """

    event_id: str
    incident_id: str
    update_id: str
    outcome: Outcome
    reason: str
    recipients: int = 0
    held: bool = False
    reused: bool = False
    notifications: Sequence[int] = field(default=(), compare=False)
    incident: Incident | None = field(default=None, compare=False, repr=False)  # as stored

    def as_json(self) -> dict[str, str | int]:
        """Return the response body of `POST /v1/events`."""
        return {
            "event_id": self.event_id,
            "incident_id": self.incident_id,
            "update_id": self.update_id,
            "outcome": self.outcome.value,
            "reason": self.reason,
            "recipients": self.recipients,
            "held": self.held,
        }


class Alongside(Protocol):
    """What else belongs into the transaction that stores an event, such as closing the draft it came from."""

    def before(self, connection: Connection) -> None:
        """Run before the event is looked at; an error refuses it."""

    def after(self, connection: Connection, receipt: Receipt) -> None:
        """Run once it is stored."""


@dataclass(frozen=True)
class Ingest:
    """Ingest one event. Idempotent by event id."""

    database: Database
    policies: Mapping[Channel, CoalescePolicy]
    clock: Clock
    tasks: TaskQueue
    translations: Mapping[Channel, TranslationRule] = field(default_factory=dict)
    guard: BlastGuard = field(default_factory=BlastGuard)

    def take(self, event: Event, *, alongside: Alongside | None = None) -> Receipt:
        """Store an event and announce what is due; returns when both, and what is `alongside`, are committed.

        Raises:
            OutdatedError: the incident has a later update than `event.after`; nothing was stored.
            InvalidInputError: the incident has no update `event.after`; nothing was stored.
            UnavailableError: the database does not answer; nothing was stored.
        """
        event = replace(event, notify=event.notify and event.visible)
        self.guard.prepare(self.database, self.policies)
        with self.database.write() as connection:
            if alongside is not None:
                alongside.before(connection)
            receipt = self._ingest(connection, event)
            if alongside is not None:
                alongside.after(connection, receipt)
        for number in receipt.notifications:
            self.tasks.plan(number)
        if receipt.outcome is not Outcome.ACCEPTED:
            return receipt
        # The event is stored: a failed count must not turn into an error for the producer.
        with suppress(UnavailableError):
            self.guard.count(self.database, self.policies)
        incident, status = receipt.incident or event.incident, event.update.status
        reach = sum(self.guard.reach(channel, incident, status) for channel in self.policies)
        return replace(receipt, recipients=reach)

    def _ingest(self, connection: Connection, event: Event) -> Receipt:
        handed_in = event_digest(event)
        known = timeline.find_event(connection, event.id)
        if known is None:
            timeline.lock_incident(connection, event.incident, event.update.status, self.clock())
            known = timeline.find_event(connection, event.id)  # may have arrived before the lock
        if known is not None:
            reused = is_reused(known, event)
            repeat = classify(event, "", TimelineContext(), seen_before=known.outcome, differs=reused)
            return replace(_receipt(event, repeat), reused=reused)
        now = self.clock()  # after the lock: decide by a time later than the last announcement
        event = replace(event, update=believed(event.update, now))
        earlier = timeline.earlier(connection, event.incident.id) if needs_earlier(event.update.status) else ()
        event = complete(event, earlier)
        decided = self._judge(connection, event, now)
        if not timeline.add_event(connection, event, digest=handed_in, classification=decided.classification, now=now):
            # The same id has just been ingested for another incident.
            repeat = classify(event, "", TimelineContext(), seen_before=Outcome.ACCEPTED, differs=True)
            return replace(_receipt(event, repeat), reused=True)
        if decided.classification.outcome is Outcome.DUPLICATE:
            return _receipt(event, decided.classification)
        record_published(connection, event, decided.classification.outcome, now)
        if decided.edited is not None and decided.classification.edits:
            event = _placed(event, decided.edited, decided.classification)
        held_by = self._held_by(connection, event, decided)
        if held_by is not None:
            return self._withhold(connection, event, decided, held_by, now)
        return self._take(connection, event, decided, now)

    def _judge(self, connection: Connection, event: Event, now: datetime) -> "_Decided":
        entries = timeline.entries(connection, event.incident.id)
        refuse_outdated(connection, event, entries)
        states = channel_state.load_states(connection, event.incident.id)
        may_wait = self.guard.reason_to_hold(event, self.policies, now)
        digest = content_digest(event)
        around = timeline_context(measured_against(entries, event, waits=may_wait is not None), event, digest)
        classification = classify(event, digest, around, announced_until=channel_state.announced_until(states))
        edited = next((entry for entry in entries if entry.update_id == event.update.id), None)
        if (
            classification.outcome is Outcome.DUPLICATE
            and edited is not None
            and edited.shown
            and edited.digest == digest
        ):
            classification = _unless_described_anew(connection, event, classification)
        is_announced = any(
            not is_stale(states.get(channel, ChannelState()), event.update.ordered_at) for channel in self.policies
        )
        notifies = classification.outcome is Outcome.ACCEPTED or (
            classification.outcome is Outcome.STALE and is_announced
        )
        return _Decided(entries, edited, digest, classification, may_wait, notifies=notifies)

    def _held_by(self, connection: Connection, event: Event, decided: "_Decided") -> HoldReason | None:
        """Return why an event is held; without the right to announce, visible edits are too."""
        if decided.may_wait is HoldReason.NEEDS_ANNOUNCE:
            return decided.may_wait if event.visible or decided.classification.edits else None
        follows = decided.classification.edits and follow_ups(connection, event, self.translations)
        return decided.may_wait if decided.notifies or follows else None

    def _withhold(
        self, connection: Connection, event: Event, decided: "_Decided", held_by: HoldReason, now: datetime
    ) -> Receipt:
        """Store an event invisibly until an operator releases it."""
        classification = decided.classification
        edit = classification.outcome if classification.edits else None
        if edit is None:
            self._store(connection, event, decided, now, held=True)
        withhold(connection, self.policies, event, held_by, now, edit=edit, asked=self._asked(event, decided, held_by))
        why = " (it was posted longer ago than guard.hold_older_than)" if held_by is HoldReason.OLD else ""
        once = "once approved" if decided.notifies else "shown once approved"
        reason = f"{classification.reason}, {once}{why}"
        return replace(_receipt(event, replace(classification, reason=reason)), held=True)

    def _asked(self, event: Event, decided: "_Decided", held_by: HoldReason) -> list[Channel]:
        """Return the channels that need a decision; just one if there is nothing to announce."""
        if not decided.notifies:
            return list(self.policies)[:1]
        if held_by is HoldReason.MANY and not decided.classification.edits:
            return self.guard.too_many(event, self.policies)
        return list(self.policies)

    def _take(self, connection: Connection, event: Event, decided: "_Decided", now: datetime) -> Receipt:
        """Make an event visible and announce what is due."""
        classification = decided.classification
        if classification.edits:
            self._edit(connection, event, decided, now)
        else:
            self._store(connection, event, decided, now, held=False)
        going = announce_due(connection, self.policies, event.incident.id, now)
        if classification.edits and event.visible:
            followed = take_translation(connection, event, self.translations, now)
            going += followed
            if followed:
                classification = replace(
                    classification, reason=f"{classification.reason}; readers of the added language are notified"
                )
        return _receipt(event, classification, tuple(going))

    @staticmethod
    def _edit(connection: Connection, event: Event, decided: "_Decided", now: datetime) -> None:
        """Apply an edit; drop held edits, which were based on the previous content."""
        incident_id, update_id = event.incident.id, event.update.id
        withdraw(connection, incident_id, update_id, edits_alone=True)
        accepted = decided.classification.outcome is Outcome.ACCEPTED
        timeline.edit_update(connection, event, digest=decided.digest, accepted_at=now if accepted else None)
        if accepted:
            channel_state.forget(connection, incident_id, [update_id])
        timeline.refresh_description(connection, incident_id, now)

    @staticmethod
    def _store(connection: Connection, event: Event, decided: "_Decided", now: datetime, *, held: bool) -> None:
        """Add a timeline entry, or replace an invisible one with the same id."""
        incident_id, update = event.incident.id, event.update
        number, outcome = len(decided.entries) + 1, decided.classification.outcome
        entry = timeline.NewEntry(number=number, digest=decided.digest, outcome=outcome, held=held)
        if decided.edited is None:
            timeline.add_update(connection, event, entry, now)
            newest = decided.is_newest(event, shown=event.visible and not held)
            timeline.add_to_incident(connection, event, newest=newest, now=now)
        else:
            withdraw(connection, incident_id, update.id, edits_alone=False)
            timeline.replace_update(connection, event, entry, now)
            timeline.refresh_description(connection, incident_id, now)
        if outcome is Outcome.STALE and not held:
            channel_state.set_aside_where_late(connection, incident_id, update.id, update.ordered_at)


@dataclass(frozen=True, slots=True)
class _Decided:
    """An event classified against its timeline.

    `edited`: the entry with the event's update id.
    `may_wait`: why the blast guard would hold it, if it announces or shows anything.
    """

    entries: Sequence[TimelineEntry]
    edited: TimelineEntry | None
    digest: str
    classification: Classification
    may_wait: HoldReason | None
    notifies: bool

    def is_newest(self, event: Event, *, shown: bool) -> bool:
        """Whether this event is the incident's latest, among visible updates if there are any."""
        public = [entry for entry in self.entries if entry.shown]
        if public and not shown:
            return False
        return all(entry.ordered_at <= event.update.ordered_at for entry in public or (() if shown else self.entries))


def _unless_described_anew(connection: Connection, event: Event, classification: Classification) -> Classification:
    """Record an edit of unannounced fields (links, start time); without one, keep a duplicate."""
    known = timeline.snapshot(connection, event.incident.id, event.update.id)
    anew = event.incident
    keeps_automation = anew.automation is None or known is None or anew.automation == known.automation
    if known is None or ((known.links, known.started_at) == (anew.links, anew.started_at) and keeps_automation):
        return classification
    reason = f"an edit of update {event.update.id}: its links, beginning or automation, which are not announced"
    return Classification(outcome=Outcome.RECORDED, reason=reason, edits=True)


def _placed(event: Event, edited: TimelineEntry, classification: Classification) -> Event:
    """Return an edit with its update's position, which only an announced, later edit changes.

    If the source gives the creation time, the displayed time follows the edit, but the position
    stays.
    """
    place = edited.ordered_at
    if event.update.created_at is not None:
        return replace(event, update=replace(event.update, created_at=place))
    posted_at = max(place, event.update.posted_at) if classification.outcome is Outcome.ACCEPTED else place
    return replace(event, update=replace(event.update, posted_at=posted_at))


def _receipt(event: Event, classification: Classification, notifications: Sequence[int] = ()) -> Receipt:
    return Receipt(
        event_id=event.id,
        incident_id=event.incident.id,
        update_id=event.update.id,
        outcome=classification.outcome,
        reason=classification.reason,
        notifications=notifications,
        incident=event.incident,
    )
