"""Precedence: an event is refused when its author did not know the incident's latest update (`Event.after`).

So nobody contradicts a colleague without having read them. The check runs in the transaction that would store the
event.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from notifier.domain.errors import OutdatedError
from notifier.domain.incident import Event
from notifier.domain.timeline import Entry, event_digest, unknown_to_author
from notifier.storage import timeline
from notifier.storage.codec import instant_to_json
from notifier.storage.timeline import StoredEvent


def refuse_outdated(connection: Connection, event: Event, entries: Sequence[Entry]) -> None:
    """Go on only when the event's author knew the latest update, or makes no claim.

    Raises:
        OutdatedError: there is a later update.
        InvalidInputError: `after` names no update of this incident.
    """
    latest = unknown_to_author(event.after, entries)
    if latest is None or event.after is None:
        return
    row = timeline.written(connection, event.incident.id, latest.update_id)
    newest = {
        "id": latest.update_id,
        "status": latest.status.value,
        "posted_at": instant_to_json(row.posted_at),
        "author": row.author,
    }
    raise OutdatedError(event.after, newest)


def is_reused(known: StoredEvent, event: Event) -> bool:
    """Whether an event bears the id of another one with another content, rather than being its repeat."""
    return known.digest is not None and known.digest != event_digest(event)
