"""The public page of an incident's current timeline."""

from collections.abc import Sequence
from dataclasses import dataclass

from notifier.domain.errors import NotFoundError
from notifier.domain.values import Status
from notifier.rendering.renderer import Renderer
from notifier.services.public_pages.status import timeline_of
from notifier.storage.database.codec import incident_from_json
from notifier.storage.database.engine import Database
from notifier.storage.database.types import AnyRow
from notifier.storage.incidents import timeline


@dataclass(frozen=True)
class PublicIncident:
    """Renders an incident's timeline without hidden and held updates."""

    database: Database
    renderer: Renderer

    def page(self, incident_id: str, locale: str) -> str:
        """Return the page.

        Raises:
            NotFoundError: there is no such incident, or nothing of it is public.
        """
        with self.database.read() as connection:
            rows = timeline.full_updates(connection, incident_id)
        found = timeline_of(_public(rows, incident_id))
        return self.renderer.incident_page(found.incident, found.updates, locale=locale)

    def calendar_file(self, incident_id: str, locale: str) -> bytes:
        """Return planned work as an iCalendar file.

        Raises:
            NotFoundError: there is no such planned work, or nothing of it is public.
        """
        with self.database.read() as connection:
            rows = timeline.full_updates(connection, incident_id)
        public = _public(rows, incident_id)
        found = self.renderer.calendar_file(timeline_of(public), sequence=_moves(public), locale=locale)
        if found is None:
            raise NotFoundError("planned work", incident_id)
        return found


def _public(rows: Sequence[AnyRow], incident_id: str) -> list[AnyRow]:
    public = [row for row in rows if row.visible and not row.held]
    if not public:
        raise NotFoundError("incident", incident_id)
    return public


def _moves(public: Sequence[AnyRow]) -> int:
    """Count the moves, those by an edit in place included, and the cancellation."""
    moved = sum(row.revision for row in public if incident_from_json(row.incident).moved_from is not None)
    return int(moved) + sum(1 for row in public if row.status == Status.CANCELED.value)
