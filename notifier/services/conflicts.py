"""Reject an event whose author had not seen the incident's latest update (`Event.after`).

This prevents contradictory updates by two people. The check runs in the transaction that stores the
event.
"""

from collections.abc import Sequence

from notifier.domain.errors import OutdatedError
from notifier.domain.incidents.incident import Event
from notifier.domain.incidents.timeline import TimelineEntry, event_digest, in_order, unknown_to_author
from notifier.storage.database import Connection
from notifier.storage.database.codec import instant_to_json
from notifier.storage.incidents import timeline
from notifier.storage.incidents.timeline import StoredEvent


def refuse_outdated(connection: Connection, event: Event, entries: Sequence[TimelineEntry]) -> None:
    """Accept an event if its author had seen the latest update or makes no such claim.

    Raises:
        OutdatedError: there is a later update, or the incident's text has changed since.
        InvalidInputError: the incident has no update `after`.
    """
    latest = unknown_to_author(event.after, entries)
    if latest is not None and event.after is not None:
        raise _outdated(connection, event.incident.id, event.after, latest)
    refuse_unread(connection, event.incident.id, event.read)


def refuse_unread(connection: Connection, incident_id: str, read: str | None) -> None:
    """Accept a decision if the incident is unchanged since the operator read it, or `read` is None.

    The caller's transaction must have locked the incident.

    Raises:
        OutdatedError: an update was added, edited, hidden or released since.
    """
    if read is None or timeline.version(connection, incident_id) == read:
        return
    latest = in_order(timeline.entries(connection, incident_id))[-1]
    raise _outdated(connection, incident_id, update_of(read), latest)


def update_of(version: str) -> str:
    """Return the id of the latest update in an incident's version (see `timeline.version`)."""
    return version.rpartition(" ")[0]


def _outdated(connection: Connection, incident_id: str, after: str, latest: TimelineEntry) -> OutdatedError:
    row = timeline.written(connection, incident_id, latest.update_id)
    newest = {
        "id": latest.update_id,
        "status": latest.status.value,
        "posted_at": instant_to_json(row.posted_at),
        "author": row.author,
    }
    return OutdatedError(after, newest)


def is_reused(known: StoredEvent, event: Event) -> bool:
    """Whether an event reuses another one's id with different content, rather than repeating it."""
    return known.digest is not None and known.digest != event_digest(event)
