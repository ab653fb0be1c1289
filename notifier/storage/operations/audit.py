"""The audit trail: who changed what, when, from where. No secrets, no addresses."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from notifier.storage import tables as t
from notifier.storage.database.types import AnyRow

_COLUMNS = t.audit_entry.c
NAME_LENGTH = 100  # as in `tables/operations.py`
_ID_LENGTH = 200
_ADD = insert(t.audit_entry)  # built once: every event adds one


def add(
    connection: Connection,
    *,
    at: datetime,
    actor: str,
    origin: str,
    action: str,
    object_kind: str,
    object_id: str,
    detail: Mapping[str, Any],
) -> None:
    """Add an entry, in the transaction of the change it records. Overlong names are truncated."""
    values = {
        "at": at,
        "actor": actor[:NAME_LENGTH],
        "origin": origin[:NAME_LENGTH],
        "action": action,
        "object_kind": object_kind,
        "object_id": object_id[:_ID_LENGTH],
        "detail": dict(detail),
    }
    connection.execute(_ADD, values)


def page(
    connection: Connection,
    *,
    limit: int,
    before: int | None = None,
    object_kind: str | None = None,
    object_ids: Sequence[str] = (),
) -> Sequence[AnyRow]:
    """Return entries, newest first, with ids below `before`."""
    statement = select(t.audit_entry).order_by(_COLUMNS.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(_COLUMNS.id < before)
    if object_kind is not None:
        statement = statement.where(_COLUMNS.object_kind == object_kind)
    if object_ids:
        statement = statement.where(_COLUMNS.object_id.in_(object_ids))
    return connection.execute(statement).all()


def rename(connection: Connection, object_kind: str, object_id: str, new_id: str) -> None:
    """Rename an object in its entries: an erased subscriber's own id must not stay."""
    statement = (
        update(t.audit_entry)
        .where(_COLUMNS.object_kind == object_kind, _COLUMNS.object_id == object_id)
        .values(object_id=new_id)
    )
    connection.execute(statement)
