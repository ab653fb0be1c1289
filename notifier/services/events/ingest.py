"""Ingest: one transaction takes an event in and decides what is due at once; then the producer has its answer."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

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
    """What the producer is told about its event.

    `recipients`: how many its announcement concerns over all channels, by what they chose; `held`: a person must
    release it first; `reused`: a duplicate by its id alone, whose content was not handed in before.
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
    incident: Incident | None = field(default=None, compare=False, repr=False)  # as it was stored

    def as_json(self) -> dict[str, str | int]:
        """Return the answer of `POST /v1/events`."""
        return {
            "event_id": self.event_id,
            "incident_id": self.incident_id,
            "update_id": self.update_id,
            "outcome": self.outcome.value,
            "reason": self.reason,
            "recipients": self.recipients,
            "held": self.held,
        }


@dataclass(frozen=True)
class Ingest:
    """Take one event in. Handing the same event in twice changes nothing."""

    database: Database
    policies: Mapping[Channel, CoalescePolicy]
    clock: Clock
    tasks: TaskQueue
    translations: Mapping[Channel, TranslationRule] = field(default_factory=dict)
    guard: BlastGuard = field(default_factory=BlastGuard)

    def take(self, event: Event) -> Receipt:
        """Store an event and announce what is due; returns when both are committed.

        Raises:
            OutdatedError: the incident has a later update than `event.after`; nothing was stored.
            InvalidInputError: `event.after` names no update of the incident; nothing was stored.
            UnavailableError: the database does not answer; nothing was stored.
        """
        event = replace(event, notify=event.notify and event.visible)
        self.guard.prepare(self.database, self.policies)
        with self.database.write() as connection:
            receipt = self._ingest(connection, event)
        for number in receipt.notifications:
            self.tasks.plan(number)
        if receipt.outcome is not Outcome.ACCEPTED:
            return receipt
        # The event is stored: for want of a number its producer is not to hear otherwise.
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
            known = timeline.find_event(connection, event.id)  # another may have held the incident until now
        if known is not None:
            reused = is_reused(known, event)
            repeat = classify(event, "", TimelineContext(), seen_before=known.outcome, differs=reused)
            return replace(_receipt(event, repeat), reused=reused)
        now = self.clock()  # only now: who waited for the incident must not decide by a time before the last word
        event = replace(event, update=believed(event.update, now))
        earlier = timeline.earlier(connection, event.incident.id) if needs_earlier(event.update.status) else ()
        event = complete(event, earlier)
        decided = self._judge(connection, event, now)
        if not timeline.add_event(connection, event, digest=handed_in, classification=decided.classification, now=now):
            # The same id came in for another incident at this very moment.
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
        """Return why an event waits for a person. Who may not announce may not change what is shown either."""
        if decided.may_wait is HoldReason.NEEDS_ANNOUNCE:
            return decided.may_wait if event.visible or decided.classification.edits else None
        follows = decided.classification.edits and follow_ups(connection, event, self.translations)
        return decided.may_wait if decided.notifies or follows else None

    def _withhold(
        self, connection: Connection, event: Event, decided: "_Decided", held_by: HoldReason, now: datetime
    ) -> Receipt:
        """Keep an event where nobody sees it until a person releases it."""
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
        """Return the channels for which a person decides. What tells nobody waits once, for all."""
        if not decided.notifies:
            return list(self.policies)[:1]
        if held_by is HoldReason.MANY and not decided.classification.edits:
            return self.guard.too_many(event, self.policies)
        return list(self.policies)

    def _take(self, connection: Connection, event: Event, decided: "_Decided", now: datetime) -> Receipt:
        """Show an event, and tell what is due."""
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
        """Put other words in the place of those that are shown; edits that waited were made of older ones."""
        incident_id, update_id = event.incident.id, event.update.id
        withdraw(connection, incident_id, update_id, edits_alone=True)
        accepted = decided.classification.outcome is Outcome.ACCEPTED
        timeline.edit_update(connection, event, digest=decided.digest, accepted_at=now if accepted else None)
        if accepted:
            channel_state.forget(connection, incident_id, [update_id])
        timeline.describe_anew(connection, incident_id, now)

    @staticmethod
    def _store(connection: Connection, event: Event, decided: "_Decided", now: datetime, *, held: bool) -> None:
        """Add an entry to the timeline, or put it in the place of one of its id that nobody has seen."""
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
            timeline.describe_anew(connection, incident_id, now)
        if outcome is Outcome.STALE and not held:
            channel_state.set_aside_where_late(connection, incident_id, update.id, update.ordered_at)


@dataclass(frozen=True, slots=True)
class _Decided:
    """An event beside the timeline it came to, and what was made of it.

    `edited`: the entry of its update id. `may_wait`: why the guard would hold it, if it tells or shows anything.
    """

    entries: Sequence[TimelineEntry]
    edited: TimelineEntry | None
    digest: str
    classification: Classification
    may_wait: HoldReason | None
    notifies: bool

    def is_newest(self, event: Event, *, shown: bool) -> bool:
        """Whether the incident is described by this event now: by what is shown, if anything is."""
        public = [entry for entry in self.entries if entry.shown]
        if public and not shown:
            return False
        return all(entry.ordered_at <= event.update.ordered_at for entry in public or (() if shown else self.entries))


def _unless_described_anew(connection: Connection, event: Event, classification: Classification) -> Classification:
    """Keep an edit of what is no news: links, and when it began. The same again is a duplicate still."""
    known = timeline.snapshot(connection, event.incident.id, event.update.id)
    if known is None or (known.links, known.started_at) == (event.incident.links, event.incident.started_at):
        return classification
    reason = f"an edit of update {event.update.id}: its links or its beginning, which are not announced"
    return Classification(outcome=Outcome.RECORDED, reason=reason, edits=True)


def _placed(event: Event, edited: TimelineEntry, classification: Classification) -> Event:
    """Return an edit at the place of what it edits: it keeps that, unless it is news that is dated later.

    Where its source tells when it created an update, the time that is shown follows the edit, and the place never.
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
