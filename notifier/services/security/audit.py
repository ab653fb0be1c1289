"""Audit trail: who published or changed what, from where."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from notifier.domain.ids import address_key
from notifier.domain.incidents.incident import Event
from notifier.domain.values import Outcome
from notifier.storage.database import Connection
from notifier.storage.database.codec import instant_to_json
from notifier.storage.database.engine import Database
from notifier.storage.operations import audit

Json = dict[str, Any]
CHANGED = "(changed)"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts.

    `name`: such as `key:admin`, `cli:ann` or `system`. `origin`: a network address or host.
    """

    name: str
    origin: str

    def signed(self, event: Event) -> Event:
        """Return the event with the actor as its author."""
        return replace(event, author=self.name, origin=self.origin)

    def by_way_of(self, kind: str, source: str) -> "Actor":
        """Return the actor submitting another system's event; `origin` names both, shortened."""
        way, place = f"inbound/{kind}/", f" from {self.origin}"
        return replace(self, origin=f"{way}{shortened(source, audit.NAME_LENGTH - len(way) - len(place))}{place}")


def shortened(name: str, most: int) -> str:
    """Return a name in at most `most` characters, marked where shortened."""
    return name if len(name) <= most else f"{name[: max(most - 1, 0)]}…"


SYSTEM = Actor("system", "scheduler")


@dataclass(frozen=True, slots=True)
class Subject:
    """The changed object: `kind`, such as `subscriber` or `endpoint`, and its public id."""

    kind: str
    id: str


def record(
    connection: Connection,
    actor: Actor,
    action: str,
    subject: Subject,
    *,
    at: datetime,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write one entry in the transaction of the change.

    Args:
        connection: The transaction.
        actor: Who acts.
        action: A dotted verb, such as `subscriber.patched`.
        subject: What was changed.
        at: Aware UTC instant.
        detail: JSON data without secrets or addresses; see `difference`.
    """
    audit.add(
        connection,
        at=at,
        actor=actor.name,
        origin=actor.origin,
        action=action,
        object_kind=subject.kind,
        object_id=subject.id,
        detail=detail or {},
    )


def record_published(connection: Connection, event: Event, outcome: Outcome, now: datetime) -> None:
    """Record who submitted an event, in its transaction; skip the system's own events."""
    actor = Actor(event.author, event.origin) if event.author else SYSTEM
    detail = {
        "incident_id": event.incident.id,
        "update_id": event.update.id,
        "outcome": outcome.value,
        "source": event.source,
    }
    record(connection, actor, "event.published", Subject("event", event.id), at=now, detail=detail)


def difference(before: Mapping[str, Any], after: Mapping[str, Any], *, hidden: frozenset[str]) -> Json:
    """Return changes as `{"field": [old, new]}`, nested names dotted, without `hidden` values."""
    changes: Json = {}
    for field in sorted(before.keys() | after.keys()):
        old, new = before.get(field), after.get(field)
        if old == new:
            continue
        if field in hidden:
            changes[field] = CHANGED
        elif isinstance(old, Mapping) and isinstance(new, Mapping):
            nested = difference(old, new, hidden=hidden)
            changes |= {f"{field}.{name}": value for name, value in nested.items()}
        else:
            changes[field] = [old, new]
    return changes


def erased_id(pepper: bytes, object_id: str) -> str:
    """Return an erased object's name in the trail: found by its old name, meaningless otherwise."""
    return f"erased:{address_key(pepper, object_id):016x}"


@dataclass(frozen=True)
class AuditLog:
    """Reads the audit trail."""

    database: Database
    pepper: bytes

    def entries(
        self, *, limit: int, before: int | None = None, kind: str | None = None, object_id: str | None = None
    ) -> list[Json]:
        """Return entries with an id below `before`, newest first."""
        ids = (object_id, erased_id(self.pepper, object_id)) if object_id is not None else ()
        with self.database.read() as connection:
            rows = audit.page(connection, limit=limit, before=before, object_kind=kind, object_ids=ids)
        return [
            {
                "id": row.id,
                "at": instant_to_json(row.at),
                "actor": row.actor,
                "origin": row.origin,
                "action": row.action,
                "object_kind": row.object_kind,
                "object_id": row.object_id,
                "detail": row.detail,
            }
            for row in rows
        ]
