"""Links of an incident that are added without an update of its own."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, select, update

from notifier.storage import tables as t
from notifier.storage.incidents import timeline

_MOST = 20  # as many as an event may bring


def add(connection: Connection, incident_id: str, link: str, now: datetime) -> bool:
    """Show a link with an incident, through its newest shown update; False: it is there, or there is no room."""
    timeline.lock_known_incident(connection, incident_id)
    u = t.incident_update.c
    newest = (
        select(u.id, u.incident)
        .where(u.incident_id == incident_id)
        .order_by(timeline.SHOWN.desc(), t.ordered_at.desc(), u.number.desc())
        .limit(1)
    )
    row = connection.execute(newest).one_or_none()
    if row is None:
        return False
    described: dict[str, Any] = dict(row.incident)
    known = list(described["links"])
    if link in known or len(known) >= _MOST:
        return False
    values = {"incident": {**described, "links": [*known, link]}, "revision": u.revision + 1}
    this = and_(u.incident_id == incident_id, u.id == row.id)
    connection.execute(update(t.incident_update).where(this).values(values))
    timeline.refresh_description(connection, incident_id, now)
    return True
