"""Ingest: one transaction takes an event in and decides what is due at once; then the producer has its answer."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection

from notifier.domain.coalesce import CoalescePolicy
from notifier.domain.errors import UnavailableError
from notifier.domain.incident import Event, Incident
from notifier.domain.snapshot import complete, needs_earlier
from notifier.domain.timeline import (
    Entry,
    Judgement,
    Surroundings,
    believed,
    content_digest,
    event_digest,
    judge,
    surroundings,
)
from notifier.domain.translation import TranslationRule
from notifier.domain.values import Channel, Outcome
from notifier.services.announce import speak
from notifier.services.audit import record_published
from notifier.services.guard import Guard
from notifier.services.ports import Clock, Nudge
from notifier.services.precedence import is_reused, refuse_outdated
from notifier.services.translations import take_translation
from notifier.storage import channels, timeline
from notifier.storage.engine import Database


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
    nudge: Nudge
    translations: Mapping[Channel, TranslationRule] = field(default_factory=dict)
    guard: Guard = field(default_factory=Guard)

    def __call__(self, event: Event) -> Receipt:
        """Store an event and announce what is due; returns when both are committed.

        Raises:
            OutdatedError: the incident has a later update than `event.after`; nothing was stored.
            InvalidInputError: `event.after` names no update of the incident; nothing was stored.
            UnavailableError: the database does not answer; nothing was stored.
        """
        self.guard.prepare(self.database, self.policies)
        with self.database.write() as connection:
            receipt = self._ingest(connection, event)
        for number in receipt.notifications:
            self.nudge.plan(number)
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
            repeat = judge(event, "", Surroundings(), seen_before=known.outcome, differs=reused)
            return replace(_receipt(event, repeat), reused=reused)
        now = self.clock()  # only now: who waited for the incident must not decide by a time before the last word
        event = replace(event, update=believed(event.update, now))
        earlier = timeline.earlier(connection, event.incident.id) if needs_earlier(event.update.status) else ()
        event = complete(event, earlier)
        entries = timeline.entries(connection, event.incident.id)
        refuse_outdated(connection, event, entries)
        digest = content_digest(event)
        said_until = channels.announced_until(channels.load_states(connection, event.incident.id))
        judgement = judge(event, digest, surroundings(entries, event, digest), announced_until=said_until)
        if not timeline.add_event(connection, event, digest=handed_in, judgement=judgement, now=now):
            # The same id came in for another incident at this very moment.
            repeat = judge(event, "", Surroundings(), seen_before=Outcome.ACCEPTED, differs=True)
            return replace(_receipt(event, repeat), reused=True)
        if judgement.outcome is Outcome.DUPLICATE:
            return _receipt(event, judgement)
        record_published(connection, event, judgement.outcome, now)
        self._store(connection, event, _Told(entries, digest, judgement), now)
        created = speak(connection, self.policies, event.incident.id, now, self.guard)
        going = [new.number for new in created if not new.held]
        if judgement.edits:
            followed = take_translation(connection, event, self.translations, now)
            going += followed
            if followed:
                judgement = replace(judgement, reason=f"{judgement.reason}; those who lacked its language are told")
        receipt = _receipt(event, judgement, tuple(going))
        if any(new.held for new in created):
            return replace(receipt, held=True, reason=f"{receipt.reason}, once a person releases it")
        return receipt

    @staticmethod
    def _store(connection: Connection, event: Event, told: "_Told", now: datetime) -> None:
        """Bring the timeline up to date: a new entry, or another text for one that is there."""
        judgement, digest = told.judgement, told.digest
        if judgement.edits:
            event = _placed(event, told)
        others = [entry for entry in told.entries if entry.update_id != event.update.id]
        newest = all(entry.ordered_at <= event.update.ordered_at for entry in others)
        if judgement.edits:
            accepted = judgement.outcome is Outcome.ACCEPTED
            timeline.edit_update(connection, event, digest=digest, accepted_at=now if accepted else None)
            if accepted:
                channels.forget(connection, event.incident.id, event.update.id)
        else:
            entry = timeline.NewEntry(number=len(told.entries) + 1, digest=digest, outcome=judgement.outcome)
            timeline.add_update(connection, event, entry, now)
            if judgement.outcome is Outcome.STALE:
                channels.set_aside_where_late(connection, event.incident.id, event.update.id, event.update.ordered_at)
        timeline.set_latest(connection, event, newest=newest, added=not judgement.edits, now=now)


@dataclass(frozen=True, slots=True)
class _Told:
    """An event beside the timeline it came to, and what was made of it."""

    entries: Sequence[Entry]
    digest: str
    judgement: Judgement


def _placed(event: Event, told: _Told) -> Event:
    """Return an edit at the place of what it edits: it keeps that, unless it is news that is dated later.

    Where its source tells when it created an update, the time that is shown follows the edit, and the place never.
    """
    place = next(entry.ordered_at for entry in told.entries if entry.update_id == event.update.id)
    if event.update.created_at is not None:
        return replace(event, update=replace(event.update, created_at=place))
    posted_at = max(place, event.update.posted_at) if told.judgement.outcome is Outcome.ACCEPTED else place
    return replace(event, update=replace(event.update, posted_at=posted_at))


def _receipt(event: Event, judgement: Judgement, notifications: Sequence[int] = ()) -> Receipt:
    return Receipt(
        event_id=event.id,
        incident_id=event.incident.id,
        update_id=event.update.id,
        outcome=judgement.outcome,
        reason=judgement.reason,
        notifications=notifications,
        incident=event.incident,
    )
