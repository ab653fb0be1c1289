"""The public page of an incident's current timeline."""

from dataclasses import dataclass

from notifier.domain.errors import NotFoundError
from notifier.rendering.renderer import Renderer
from notifier.services.public_pages.status import timeline_of
from notifier.storage.database.engine import Database
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
        public = [row for row in rows if row.visible and not row.held]
        if not public:
            raise NotFoundError("incident", incident_id)
        found = timeline_of(public)
        return self.renderer.incident_page(found.incident, found.updates, locale=locale)
