"""Held edits of updates that are already shown; stored beside the update until released."""

from typing import Any

from sqlalchemy import Connection, null, select, update

from notifier.domain.incidents.incident import Event, Update
from notifier.domain.values import Outcome, Status
from notifier.storage import tables as t
from notifier.storage.database.codec import incident_from_json, incident_to_json, instant_from_json, instant_to_json


def put(connection: Connection, event: Event, outcome: Outcome) -> None:
    """Store an edit, replacing one already held. `outcome`: that of the edit once released."""
    kept: dict[str, Any] = {
        "event_id": event.id,
        "incident": incident_to_json(event.incident),
        "status": event.update.status.value,
        "body": dict(event.update.body),
        "posted_at": instant_to_json(event.update.posted_at),
        "created_at": instant_to_json(event.update.created_at),
        "next_update_at": instant_to_json(event.update.next_update_at),
        "author": event.author,
        "notify": event.notify,
        "visible": event.visible,
        "automatic": event.automatic,
        "outcome": outcome.value,
    }
    _set(connection, event.incident.id, event.update.id, kept)


def find(connection: Connection, incident_id: str, update_id: str) -> tuple[Event, Outcome] | None:
    """Return the held edit and its outcome once released; None without one."""
    u = t.incident_update.c
    statement = select(u.pending_edit).where(u.incident_id == incident_id, u.id == update_id)
    kept = connection.execute(statement).scalar_one_or_none()
    if kept is None:
        return None
    posted_at = instant_from_json(kept["posted_at"])
    if posted_at is None:
        raise ValueError("an edit is kept with its time")
    event = Event(
        id=kept["event_id"],
        incident=incident_from_json(kept["incident"]),
        update=Update(
            id=update_id,
            status=Status(kept["status"]),
            body=kept["body"],
            posted_at=posted_at,
            created_at=instant_from_json(kept["created_at"]),
            next_update_at=instant_from_json(kept.get("next_update_at")),
        ),
        author=kept["author"],
        notify=kept["notify"],
        visible=kept["visible"],
        automatic=kept["automatic"],
    )
    return event, Outcome(kept["outcome"])


def drop(connection: Connection, incident_id: str, update_id: str) -> None:
    """Delete the held edit, if any."""
    _set(connection, incident_id, update_id, None)


def _set(connection: Connection, incident_id: str, update_id: str, kept: dict[str, Any] | None) -> None:
    u = t.incident_update.c
    statement = update(t.incident_update).where(u.incident_id == incident_id, u.id == update_id)
    # None would become the JSON value null.
    connection.execute(statement.values(pending_edit=null() if kept is None else kept))
