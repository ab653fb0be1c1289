"""Precedence: an event is refused when its author did not know the incident's latest update (`Event.after`).

So nobody contradicts a colleague without having read them. The check runs in the transaction that would store the
event; a form may ask beforehand, while there is still something to type.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from notifier.domain.errors import OutdatedError
from notifier.domain.incident import Event
from notifier.domain.timeline import Entry, event_digest, unknown_to_author
from notifier.storage import timeline
from notifier.storage.codec import instant_to_json
from notifier.storage.engine import Database
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


@dataclass(frozen=True)
class Foresight:
    """Asks before sending what ingest will ask; reads only."""

    database: Database

    def __call__(self, event: Event) -> StoredEvent | None:
        """Return the event that was handed in under the same id with another content, if there is one.

        Raises:
            OutdatedError: there is a later update.
            InvalidInputError: `after` names no update of this incident.
        """
        with self.database.read() as connection:
            known = timeline.find_event(connection, event.id)
            if known is None:
                refuse_outdated(connection, event, timeline.entries(connection, event.incident.id))
        return known if known is not None and is_reused(known, event) else None
