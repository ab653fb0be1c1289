"""The audit trail: who changed which subscriber, endpoint, key or policy, when, from where."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from notifier.domain.ids import address_key
from notifier.storage import audit
from notifier.storage.codec import instant_to_json
from notifier.storage.engine import Database

Json = dict[str, Any]
CHANGED = "(changed)"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: `name` such as `key:ci`, `cli` or `provider:sendgrid`; `origin` from where: a network address."""

    name: str
    origin: str


SYSTEM = Actor("system", "scheduler")


@dataclass(frozen=True, slots=True)
class Subject:
    """What was changed: `kind` such as `subscriber` or `endpoint`, and its public id."""

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
    """Write one entry in the transaction of the change it tells of.

    Args:
        connection: The transaction.
        actor: Who acts.
        action: A dotted verb, such as `subscriber.patched`.
        subject: What was changed.
        at: Aware UTC instant.
        detail: JSON data without secrets and without addresses; see `difference`.
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


def difference(before: Mapping[str, Any], after: Mapping[str, Any], *, hidden: frozenset[str]) -> Json:
    """Return `{"field": [old, new]}` of what differs, dotted where nested; of `hidden` fields only that it does."""
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
    """Return the name an erased object's entries bear: who knows the old one finds them, others learn nothing."""
    return f"erased:{address_key(pepper, object_id):016x}"


@dataclass(frozen=True)
class AuditLog:
    """Reads the trail."""

    database: Database
    pepper: bytes

    def __call__(
        self, *, limit: int, before: int | None = None, kind: str | None = None, object_id: str | None = None
    ) -> list[Json]:
        """Return entries, newest first, those before entry number `before`; each carries its number as `id`."""
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
