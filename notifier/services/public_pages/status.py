"""The public status page and its feed: current, planned and past incidents."""

from collections import defaultdict
from dataclasses import dataclass

from notifier.domain.incidents.notice import NoticeUpdate
from notifier.domain.incidents.platform_status import PublicTimeline
from notifier.domain.values import Status
from notifier.rendering.renderer import Renderer
from notifier.storage.database.codec import incident_from_json
from notifier.storage.database.engine import Database
from notifier.storage.database.types import AnyRow
from notifier.storage.incidents.public_timeline import public_updates

_MOST_OPEN, _MOST_PAST = 50, 30


@dataclass(frozen=True)
class PublicStatus:
    """Renders both from one read of the ledger."""

    database: Database
    renderer: Renderer

    def page(self, locale: str) -> str:
        """Return the status page."""
        return self.renderer.status_page(self._timelines(), locale=locale)

    def feed(self, locale: str) -> bytes:
        """Return the newest updates as an Atom feed (RFC 4287)."""
        return self.renderer.feed(self._timelines(), locale=locale)

    def _timelines(self) -> list[PublicTimeline]:
        """Return the timelines, the most recently updated first."""
        with self.database.read() as connection:
            rows = public_updates(connection, most_open=_MOST_OPEN, most_past=_MOST_PAST)
        of_incident: dict[str, list[AnyRow]] = defaultdict(list)
        for row in rows:
            of_incident[row.incident_id].append(row)
        timelines = [timeline_of(found) for found in of_incident.values()]
        return sorted(timelines, key=lambda timeline: timeline.ordered_at, reverse=True)


def timeline_of(rows: list[AnyRow]) -> PublicTimeline:
    """Build one incident's timeline from its public updates, oldest first."""
    described = [incident_from_json(row.incident) for row in rows]
    updates = [
        NoticeUpdate(
            id=row.id,
            status=Status(row.status),
            impact=incident.impact,
            body=row.body,
            posted_at=row.posted_at,
            sequence=number,
            created_at=row.created_at,
            next_update_at=row.next_update_at,
            window=incident.window,
            moved_from=incident.moved_from,
        )
        for number, (row, incident) in enumerate(zip(rows, described, strict=True), start=1)
    ]
    return PublicTimeline(incident=described[-1], updates=updates)
