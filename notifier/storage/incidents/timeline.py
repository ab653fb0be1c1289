"""Incidents, their updates and the submitted events.

Statements that run for every event are built once: building one takes longer than running it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, or_, select, update

from notifier.domain.incidents.incident import Event, Incident
from notifier.domain.incidents.snapshot import Earlier
from notifier.domain.incidents.timeline import Classification, TimelineEntry
from notifier.domain.values import Outcome, Status
from notifier.storage import tables as t
from notifier.storage.database.codec import incident_from_json, incident_to_json
from notifier.storage.database.dialect import is_sqlite, prepared_insert
from notifier.storage.database.types import AnyRow
from notifier.storage.incidents import planned_work


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event submitted before, and its outcome."""

    id: str
    incident_id: str
    update_id: str
    outcome: Outcome
    digest: str | None  # None: ingested by a version that did not store it


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """What the timeline stores of an update besides its event."""

    number: int
    digest: str
    outcome: Outcome
    held: bool = False


_FIND_EVENT = select(
    t.event.c.id, t.event.c.incident_id, t.event.c.update_id, t.event.c.outcome, t.event.c.digest
).where(t.event.c.id == bindparam("event_id"))
_NEW_INCIDENT = prepared_insert(t.incident, lambda insert: insert.on_conflict_do_nothing())
_LOCK_INCIDENT = select(t.incident.c.id).where(t.incident.c.id == bindparam("incident_id")).with_for_update()
_ADD_EVENT = prepared_insert(t.event, lambda insert: insert.on_conflict_do_nothing().returning(t.event.c.id))
_ENTRIES = (
    select(
        t.incident_update.c.id,
        t.incident_update.c.number,
        t.incident_update.c.status,
        t.ordered_at.label("ordered_at"),
        t.incident_update.c.digest,
        t.incident_update.c.notify,
        t.incident_update.c.visible,
        t.incident_update.c.held,
    )
    .where(t.incident_update.c.incident_id == bindparam("incident_id"))
    .order_by(t.incident_update.c.number)
)
_EARLIER = (
    select(
        t.incident_update.c.id,
        t.incident_update.c.status,
        t.ordered_at.label("ordered_at"),
        t.incident_update.c.incident,
    )
    .where(
        t.incident_update.c.incident_id == bindparam("incident_id"),
        t.incident_update.c.visible,
        ~t.incident_update.c.held,
    )
    .order_by(t.ordered_at, t.incident_update.c.number)
)
_ADD_UPDATE = t.incident_update.insert()
_SET_LATEST = update(t.incident).where(t.incident.c.id == bindparam("incident_id"))
_ADD_LATEST = _SET_LATEST.values(updates=t.incident.c.updates + 1)


def find_event(connection: Connection, event_id: str) -> StoredEvent | None:
    """Return the event with this id, if it was submitted."""
    row = connection.execute(_FIND_EVENT, {"event_id": event_id}).one_or_none()
    if row is None:
        return None
    return StoredEvent(
        id=row.id,
        incident_id=row.incident_id,
        update_id=row.update_id,
        outcome=Outcome(row.outcome),
        digest=row.digest,
    )


def lock_incident(connection: Connection, incident: Incident, status: Status, now: datetime) -> None:
    """Create the incident if it is new, and lock it to serialize its events."""
    row = _incident_row(incident, status, now) | {"created_at": now, "updates": 0}
    connection.execute(_NEW_INCIDENT(connection), row)
    if not is_sqlite(connection):  # SQLite has one writer at a time
        connection.execute(_LOCK_INCIDENT, {"incident_id": incident.id})


def lock_known_incident(connection: Connection, incident_id: str) -> bool:
    """Lock an existing incident for this transaction; False if there is none."""
    return connection.execute(_LOCK_INCIDENT, {"incident_id": incident_id}).one_or_none() is not None


def _incident_row(incident: Incident, status: Status, now: datetime) -> dict[str, Any]:
    data = incident_to_json(incident)
    return {
        "id": incident.id,
        "title": data["title"],
        "impact": data["impact"],
        "status": status.value,
        "components": data["components"],
        "started_at": incident.started_at,
        "scheduled_for": incident.scheduled_for,
        "scheduled_until": incident.scheduled_until,
        "links": data["links"],
        "updated_at": now,
    }


def written(connection: Connection, incident_id: str, update_id: str) -> AnyRow:
    """Return when an update was posted, and who wrote its current text (None if unknown)."""
    u = t.incident_update.c
    statement = select(u.posted_at, u.author).where(u.incident_id == incident_id, u.id == update_id)
    return connection.execute(statement).one()


def add_event(
    connection: Connection, event: Event, *, digest: str, classification: Classification, now: datetime
) -> bool:
    """Store an event; False if an event of another incident took its id in the meantime.

    `digest`: of the event as submitted, from `event_digest`.
    """
    row = {
        "id": event.id,
        "incident_id": event.incident.id,
        "update_id": event.update.id,
        "source": event.source,
        "outcome": classification.outcome.value,
        "reason": classification.reason,
        "received_at": now,
        "author": event.author or None,
        "origin": event.origin or None,
        "digest": digest,
    }
    return connection.execute(_ADD_EVENT(connection), row).one_or_none() is not None


def entries(connection: Connection, incident_id: str) -> list[TimelineEntry]:
    """Return the timeline in order of arrival, without texts."""
    return [
        TimelineEntry(
            update_id=row.id,
            number=row.number,
            status=Status(row.status),
            ordered_at=row.ordered_at,
            digest=row.digest,
            notify=row.notify,
            visible=row.visible,
            held=row.held,
        )
        for row in connection.execute(_ENTRIES, {"incident_id": incident_id})
    ]


def version(connection: Connection, incident_id: str) -> str:
    """Return a version token of an incident: its latest update's id, a space and a digest.

    It changes with every update, edit, release and hiding. Empty for an unknown incident.
    """
    u = t.incident_update.c
    statement = select(u.id, u.revision, u.visible, u.held).where(u.incident_id == incident_id)
    rows = connection.execute(statement.order_by(t.ordered_at, u.number)).all()
    if not rows:
        return ""
    content = repr([tuple(row) for row in rows]).encode()
    return f"{rows[-1].id} {hashlib.sha256(content).hexdigest()[:16]}"


def earlier(connection: Connection, incident_id: str) -> list[Earlier]:
    """Return the public part of an incident's timeline, in order of posting."""
    return [
        Earlier(
            update_id=row.id,
            status=Status(row.status),
            ordered_at=row.ordered_at,
            incident=incident_from_json(row.incident),
        )
        for row in connection.execute(_EARLIER, {"incident_id": incident_id})
    ]


def add_update(connection: Connection, event: Event, entry: NewEntry, now: datetime) -> None:
    """Add an entry to the timeline."""
    row = {
        "incident_id": event.incident.id,
        "id": event.update.id,
        "number": entry.number,
        "status": event.update.status.value,
        "body": dict(event.update.body),
        "incident": incident_to_json(event.incident),
        "posted_at": event.update.posted_at,
        "created_at": event.update.created_at,
        "next_update_at": event.update.next_update_at,
        "received_at": now,
        "digest": entry.digest,
        "outcome": entry.outcome.value,
        "automatic": event.automatic,
        "guarded": event.guarded,
        "author": event.author or None,
        "notify": event.notify,
        "visible": event.visible,
        "held": entry.held,
        "reminder": event.reminder,
    }
    connection.execute(_ADD_UPDATE, row)


def edit_update(connection: Connection, event: Event, *, digest: str, accepted_at: datetime | None) -> None:
    """Replace the content and posting time of a shown entry.

    `accepted_at`: it is to be announced.
    """
    values = _content(event, digest)
    if accepted_at is not None:
        values |= {"outcome": Outcome.ACCEPTED.value, "received_at": accepted_at}
    if event.notify:
        values["notify"] = True  # an edit that notifies nobody does not undo that the entry was announced
    elif not event.visible:
        values |= {"notify": False, "outcome": Outcome.RECORDED.value}
    _change(connection, event, values)


def replace_update(connection: Connection, event: Event, entry: NewEntry, now: datetime) -> None:
    """Replace an entry nobody has seen, as if the event had come first; it keeps its number."""
    values = _content(event, entry.digest) | {
        "received_at": now,
        "outcome": entry.outcome.value,
        "automatic": event.automatic,
        "notify": event.notify,
        "held": entry.held,
    }
    _change(connection, event, values)


def _content(event: Event, digest: str) -> dict[str, Any]:
    return {
        "status": event.update.status.value,
        "body": dict(event.update.body),
        "incident": incident_to_json(event.incident),
        "posted_at": event.update.posted_at,
        "next_update_at": event.update.next_update_at,
        "digest": digest,
        "guarded": event.guarded,
        "author": event.author or None,
        "visible": event.visible,
        "revision": t.incident_update.c.revision + 1,
    }


def _change(connection: Connection, event: Event, values: dict[str, Any]) -> None:
    u = t.incident_update.c
    if event.update.created_at is not None:
        values["created_at"] = event.update.created_at
    key = and_(u.incident_id == event.incident.id, u.id == event.update.id)
    connection.execute(update(t.incident_update).where(key).values(values))


def show(connection: Connection, incident_id: str, update_ids: Sequence[str]) -> None:
    """Make held updates public."""
    u = t.incident_update.c
    statement = update(t.incident_update).where(u.incident_id == incident_id, u.id.in_(update_ids))
    connection.execute(statement.values(held=False))


def snapshot(connection: Connection, incident_id: str, update_id: str) -> Incident | None:
    """Return the incident as described by one of its updates."""
    u = t.incident_update.c
    statement = select(u.incident).where(u.incident_id == incident_id, u.id == update_id)
    found = connection.execute(statement).scalar_one_or_none()
    return None if found is None else incident_from_json(found)


SHOWN = and_(t.incident_update.c.visible, ~t.incident_update.c.held)
"""The public entries of a timeline."""


def refresh_description(connection: Connection, incident_id: str, now: datetime) -> None:
    """Update the incident from its newest shown update, or from its newest if none is shown."""
    u = t.incident_update.c
    statement = (
        select(t.incident_update)
        .where(u.incident_id == incident_id)
        .order_by(SHOWN.desc(), t.ordered_at.desc(), u.number.desc())
        .limit(1)
    )
    row = connection.execute(statement).one()
    values = _incident_row(incident_from_json(row.incident), Status(row.status), now)
    values |= {"latest_update_id": row.id, "latest_posted_at": row.created_at or row.posted_at}
    del values["id"]
    connection.execute(_SET_LATEST, values | {"incident_id": incident_id})
    planned_work.touch_known(connection, incident_id, now)


def add_to_incident(connection: Connection, event: Event, *, newest: bool, now: datetime) -> None:
    """Count a new update. `newest`: it now describes the incident."""
    values: dict[str, Any] = {"updated_at": now}
    if newest:
        values = _incident_row(event.incident, event.update.status, now)
        values |= {"latest_update_id": event.update.id, "latest_posted_at": event.update.ordered_at}
        del values["id"]
    connection.execute(_ADD_LATEST, values | {"incident_id": event.incident.id})
    if event.incident.is_maintenance and event.update.created_at is None:  # another page runs its own planned work
        planned_work.touch(connection, event.incident.id, now)


def get_incident(connection: Connection, incident_id: str) -> AnyRow | None:
    """Return the incident's row, or None."""
    return connection.execute(select(t.incident).where(t.incident.c.id == incident_id)).one_or_none()


def list_incidents(connection: Connection, *, limit: int, before: tuple[datetime, str] | None) -> Sequence[AnyRow]:
    """Return incidents, newest first, after a cursor of (created_at, id)."""
    i = t.incident.c
    statement = select(t.incident).order_by(i.created_at.desc(), i.id.desc()).limit(limit)
    if before is not None:
        created_at, incident_id = before
        older = or_(i.created_at < created_at, and_(i.created_at == created_at, i.id < incident_id))
        statement = statement.where(older)
    return connection.execute(statement).all()


def full_updates(connection: Connection, incident_id: str) -> Sequence[AnyRow]:
    """Return the timeline with texts, oldest first."""
    u = t.incident_update.c
    statement = select(t.incident_update).where(u.incident_id == incident_id).order_by(t.ordered_at, u.number)
    return connection.execute(statement).all()


def count_incidents(connection: Connection) -> int:
    """Return the number of incidents."""
    return connection.execute(select(func.count()).select_from(t.incident)).scalar_one()
