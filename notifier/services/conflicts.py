"""Precedence: an event is refused when its author did not know the incident's latest update (`Event.after`).

So nobody contradicts a colleague without having read them. The check runs in the transaction that would store the
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
    """Go on only when the event's author knew the latest update, or makes no claim.

    Raises:
        OutdatedError: there is a later update, or the incident reads otherwise than its author had read it.
        InvalidInputError: `after` names no update of this incident.
    """
    latest = unknown_to_author(event.after, entries)
    if latest is not None and event.after is not None:
        raise _outdated(connection, event.incident.id, event.after, latest)
    refuse_unread(connection, event.incident.id, event.read)


def refuse_unread(connection: Connection, incident_id: str, read: str | None) -> None:
    """Go on only when the incident is still as whoever decides had read it; None: they make no claim.

    The caller's transaction must hold the incident.

    Raises:
        OutdatedError: somebody has written, edited, hidden or released something since.
    """
    if read is None or timeline.version(connection, incident_id) == read:
        return
    latest = in_order(timeline.entries(connection, incident_id))[-1]
    raise _outdated(connection, incident_id, update_of(read), latest)


def update_of(version: str) -> str:
    """Return the id of the update that was the latest when a mark was given."""
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
    """Whether an event bears the id of another one with another content, rather than being its repeat."""
    return known.digest is not None and known.digest != event_digest(event)
