"""Incidents opened by monitors: the newest of an alert group, and those that are quiet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, select

from notifier.domain.incidents.incident import Incident
from notifier.domain.values import Outcome, Status
from notifier.storage import tables as t
from notifier.storage.database.codec import incident_from_json


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertIncident:
    """An incident's state: its newest update, and whether a monitor or a person wrote it."""

    incident: Incident
    status: Status
    update_id: str
    posted_at: datetime
    is_automatic: bool
    is_announced: bool
    is_withheld: bool  # submitted without the right to announce, and not released


_JOINED = and_(
    t.incident_update.c.incident_id == t.incident.c.id, t.incident_update.c.id == t.incident.c.latest_update_id
)
_SELECT = select(
    t.incident.c.id,
    t.incident.c.status,
    t.incident_update.c.id.label("update_id"),
    t.incident_update.c.incident,
    t.incident_update.c.outcome,
    t.incident_update.c.posted_at,
    t.incident_update.c.automatic,
    t.incident_update.c.guarded,
    t.incident_update.c.held,
).join(t.incident_update, _JOINED)


def _read(connection: Connection, statement: Select[Any]) -> list[AlertIncident]:
    return [
        AlertIncident(
            incident=incident_from_json(row.incident),
            status=Status(row.status),
            update_id=row.update_id,
            posted_at=row.posted_at,
            is_automatic=row.automatic,
            is_announced=row.outcome == Outcome.ACCEPTED.value,
            is_withheld=row.guarded and row.held,
        )
        for row in connection.execute(statement)
    ]


def newest(connection: Connection, prefix: str) -> AlertIncident | None:
    """Return the newest incident whose id has this prefix."""
    i = t.incident.c
    statement = _SELECT.where(i.id.startswith(prefix, autoescape=True)).order_by(i.created_at.desc(), i.id.desc())
    found = _read(connection, statement.limit(1))
    return found[0] if found else None


def find(connection: Connection, incident_id: str) -> AlertIncident | None:
    """Return an incident."""
    found = _read(connection, _SELECT.where(t.incident.c.id == incident_id))
    return found[0] if found else None


def monitoring_since(
    connection: Connection, update_prefix: str, *, until: datetime, after: datetime, limit: int
) -> Sequence[AlertIncident]:
    """Return `monitoring` incidents whose newest update a monitor posted in (after, until)."""
    i, u = t.incident.c, t.incident_update.c
    statement = (
        _SELECT.where(
            i.status == Status.MONITORING.value,
            i.latest_posted_at <= until,
            i.latest_posted_at > after,
            u.automatic,
            u.id.startswith(update_prefix, autoescape=True),
        )
        .order_by(i.latest_posted_at)
        .limit(limit)
    )
    return _read(connection, statement)


def known_events(connection: Connection, event_ids: Sequence[str]) -> set[str]:
    """Return which of at most a few hundred event ids were submitted before."""
    if not event_ids:
        return set()
    statement = select(t.event.c.id).where(t.event.c.id.in_(event_ids))
    return {str(found) for found in connection.execute(statement).scalars()}
