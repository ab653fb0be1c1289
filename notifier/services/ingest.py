"""Ingest: one transaction takes an event in and decides what is due at once; then the producer has its answer."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from notifier.domain.coalesce import CoalescePolicy
from notifier.domain.incident import Event
from notifier.domain.values import Channel, Outcome
from notifier.services.announce import speak
from notifier.services.ports import Clock, Nudge
from notifier.storage import channels, timeline
from notifier.storage.codec import incident_to_json
from notifier.storage.engine import Database
from notifier.storage.timeline import StoredUpdate


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the producer is told about its event."""

    event_id: str
    incident_id: str
    update_id: str
    outcome: Outcome
    reason: str
    notifications: Sequence[int] = field(default=(), compare=False)

    def as_json(self) -> dict[str, str]:
        """Return the answer of `POST /v1/events`."""
        return {
            "event_id": self.event_id,
            "incident_id": self.incident_id,
            "update_id": self.update_id,
            "outcome": self.outcome.value,
            "reason": self.reason,
        }


def content_digest(event: Event) -> str:
    """Return a digest of what an event says, without ids and times: two producers of one news agree on it."""
    incident = incident_to_json(event.incident)
    said = {
        "status": event.update.status.value,
        "body": {locale: text.strip() for locale, text in event.update.body.items()},
        "title": incident["title"],
        "impact": incident["impact"],
        "components": sorted(incident["components"], key=lambda item: str(item["key"])),
        "scheduled": [incident["scheduled_for"], incident["scheduled_until"]],
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True)
class Ingest:
    """Take one event in. Handing the same event in twice changes nothing."""

    database: Database
    policies: Mapping[Channel, CoalescePolicy]
    clock: Clock
    nudge: Nudge

    def __call__(self, event: Event) -> Receipt:
        """Store an event and announce what is due; returns when both are committed.

        Raises:
            UnavailableError: the database does not answer; nothing was stored.
        """
        with self.database.write() as connection:
            receipt = self._ingest(connection, event, self.clock())
        for number in receipt.notifications:
            self.nudge.plan(number)
        return receipt

    def _ingest(self, connection: Connection, event: Event, now: datetime) -> Receipt:
        known = timeline.find_event(connection, event.id)
        if known is None:
            timeline.lock_incident(connection, event.incident, event.update.status, now)
            known = timeline.find_event(connection, event.id)  # another may have held the incident until now
        if known is not None:
            return Receipt(
                event_id=event.id,
                incident_id=known.incident_id,
                update_id=known.update_id,
                outcome=Outcome.DUPLICATE,
                reason=f"event {event.id} was handed in before ({known.outcome})",
            )
        updates = timeline.updates(connection, event.incident.id)
        digest = content_digest(event)
        outcome, reason, edits = self._judge(connection, event, updates, digest)
        timeline.add_event(connection, event, outcome=outcome, reason=reason, now=now)
        notifications: Sequence[int] = ()
        if outcome is not Outcome.DUPLICATE:
            self._store(connection, event, updates, digest, outcome, edits=edits, now=now)
            notifications = speak(connection, self.policies, event.incident.id, now)
        return Receipt(
            event_id=event.id,
            incident_id=event.incident.id,
            update_id=event.update.id,
            outcome=outcome,
            reason=reason,
            notifications=tuple(notifications),
        )

    def _judge(
        self, connection: Connection, event: Event, updates: Sequence[StoredUpdate], digest: str
    ) -> tuple[Outcome, str, bool]:
        """Return outcome, reason, and whether the event edits an update that is there."""
        latest = max(updates, key=lambda item: (item.posted_at, item.number), default=None)
        if latest is not None and latest.digest == digest:
            return Outcome.DUPLICATE, f"says the same as the latest update, {latest.id}", False
        if any(item.id == event.update.id for item in updates):
            return Outcome.RECORDED, "an edit of an update: kept in the timeline, not announced by itself", True
        if not event.notify:
            return Outcome.RECORDED, "notify is false", False
        said_until = channels.announced_until(connection, event.incident.id)
        if said_until is not None and event.update.posted_at < said_until:
            return Outcome.STALE, "posted before what was already announced", False
        return Outcome.ACCEPTED, "will be announced", False

    def _store(
        self,
        connection: Connection,
        event: Event,
        updates: Sequence[StoredUpdate],
        digest: str,
        outcome: Outcome,
        *,
        edits: bool,
        now: datetime,
    ) -> None:
        newest = all(item.posted_at <= event.update.posted_at for item in updates if item.id != event.update.id)
        if edits:
            timeline.edit_update(connection, event, digest=digest)
        else:
            timeline.add_update(connection, event, number=len(updates) + 1, digest=digest, outcome=outcome, now=now)
        timeline.set_latest(connection, event, newest=newest, added=not edits, now=now)
