"""Disruptions that run, by the components they affect: what a new signal may belong to."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select

from notifier.domain.values import ComponentStatus, Status
from notifier.storage import tables as t
from notifier.storage.database.types import AnyRow

_COLUMNS = t.incident.c
_RUNNING = tuple(status.value for status in Status if not status.is_over and not status.is_maintenance)
_SELECT = select(_COLUMNS.id, _COLUMNS.status, _COLUMNS.latest_update_id, _COLUMNS.components)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentNow:
    """An incident's present state. `components`: those that it affects now."""

    id: str
    status: Status
    latest_update_id: str | None
    components: frozenset[str]


def find(connection: Connection, incident_id: str) -> IncidentNow | None:
    """Return an incident, running or over."""
    row = connection.execute(_SELECT.where(_COLUMNS.id == incident_id)).one_or_none()
    return None if row is None else _read(row)


def running_on(connection: Connection, components: Iterable[str]) -> IncidentNow | None:
    """Return the oldest disruption that runs and affects one of these components."""
    asked = frozenset(components)
    if not asked:
        return None
    statement = _SELECT.where(_COLUMNS.status.in_(_RUNNING)).order_by(_COLUMNS.created_at, _COLUMNS.id)
    running = (_read(row) for row in connection.execute(statement))
    return next((incident for incident in running if asked & incident.components), None)


def _read(row: AnyRow) -> IncidentNow:
    affected = frozenset(
        item["key"] for item in row.components if item.get("status") != ComponentStatus.OPERATIONAL.value
    )
    return IncidentNow(id=row.id, status=Status(row.status), latest_update_id=row.latest_update_id, components=affected)
