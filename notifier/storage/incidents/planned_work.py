"""Planned work that does something by itself: when it is looked at next, and what was done."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from notifier.storage import tables as t
from notifier.storage.database.dialect import AnyInsert, prepared_insert

_P = t.planned_work.c
_MOST_KEPT = 200  # keys of steps; older ones belong to windows long past


@dataclass(frozen=True, slots=True, kw_only=True)
class DueWork:
    """Planned work to look at. `version` changes with every change of the incident."""

    incident_id: str
    done: frozenset[str]
    version: int


def _or_look_now(insert: AnyInsert) -> AnyInsert:
    values = {"next_at": insert.excluded.next_at, "version": _P.version + 1}
    return insert.on_conflict_do_update(index_elements=["incident_id"], set_=values)


_TOUCH = prepared_insert(t.planned_work, _or_look_now)


def touch(connection: Connection, incident_id: str, now: datetime) -> None:
    """Look at planned work as soon as possible: its incident has changed."""
    row = {"incident_id": incident_id, "next_at": now, "done": [], "version": 1}
    connection.execute(_TOUCH(connection), row)


def touch_known(connection: Connection, incident_id: str, now: datetime) -> None:
    """The same for an incident that may not be planned work."""
    values: dict[str, Any] = {"next_at": now, "version": _P.version + 1}
    connection.execute(update(t.planned_work).where(_P.incident_id == incident_id).values(values))


def due(connection: Connection, now: datetime, limit: int) -> Sequence[DueWork]:
    """Return the planned work to look at now, longest due first."""
    statement = select(t.planned_work).where(_P.next_at <= now).order_by(_P.next_at, _P.incident_id).limit(limit)
    return [
        DueWork(incident_id=row.incident_id, done=frozenset(row.done), version=row.version)
        for row in connection.execute(statement)
    ]


def mark_done(connection: Connection, incident_id: str, keys: Collection[str]) -> bool:
    """Record steps as done. False if the first of them was done already: somebody else does it."""
    row = connection.execute(select(_P.done).where(_P.incident_id == incident_id).with_for_update()).one_or_none()
    if row is None:
        return False
    added = [key for key in keys if key not in row.done]
    if added:
        kept = [*row.done, *added][-_MOST_KEPT:]
        connection.execute(update(t.planned_work).where(_P.incident_id == incident_id).values(done=kept))
    return bool(added)


def look_again(connection: Connection, work: DueWork, at: datetime | None) -> bool:
    """Set when to look next (None: never again). False, without a change, if the incident has changed."""
    is_same = (_P.incident_id == work.incident_id) & (_P.version == work.version)
    return connection.execute(update(t.planned_work).where(is_same).values(next_at=at)).rowcount == 1
