"""Recurring planned work: the next occurrences are announced ahead, as incidents of their own."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from notifier.domain.incidents.automation import series_start
from notifier.domain.incidents.incident import Window
from notifier.domain.incidents.maintenance_texts import MaintenanceText
from notifier.domain.values import Status
from notifier.recurrence import local_end, occurrences
from notifier.services.events.ingest import Ingest
from notifier.services.planned_work.automatic_events import (
    Announcement,
    Story,
    automatic_event,
    occurrence_event,
    read_story,
)
from notifier.storage.database import Connection
from notifier.storage.database.codec import incident_from_json
from notifier.storage.database.engine import Database
from notifier.storage.incidents import planned_work, timeline

HORIZON = timedelta(days=14)
MOST_AHEAD = 2
_OCCURRENCE = "-occurrence-"
_MAX_ID = 200


@dataclass(frozen=True)
class Series:
    """Extends and cancels series."""

    database: Database
    ingest: Ingest
    zone: ZoneInfo
    locales: Collection[str]

    def extend(self, story: Story, rule: str, done: Collection[str], now: datetime) -> datetime | None:
        """Announce the next occurrences within the horizon; returns when to look again, None: never."""
        first = series_start(story.described)
        if first is None or first.end is None:
            return None
        upcoming = list(islice(occurrences(rule, first.start, self.zone, after=now), MOST_AHEAD))
        for start in upcoming:
            end = local_end(start, first.start, first.end, self.zone)
            if start <= now + HORIZON and start != first.start:
                self._announce(story, Window(start, end), done, now)
        beyond = [start - HORIZON for start in upcoming if start > now + HORIZON]
        return min([*beyond, *upcoming], default=None)

    def _announce(self, story: Story, window: Window, done: Collection[str], now: datetime) -> None:
        series_id = story.incident.id
        occurrence_id = self.occurrence_id(series_id, window.start)
        key = f"{window.start:%Y%m%dT%H%M%S}Z{_OCCURRENCE}{occurrence_id}"
        if key in done:
            return
        with self.database.read() as connection:
            announced = _announcement(connection, series_id)
        if announced is not None:
            self.ingest.take(occurrence_event(story, announced, occurrence_id, window, now))
        with self.database.write() as connection:
            planned_work.mark_done(connection, series_id, [key])

    def occurrence_id(self, series_id: str, start: datetime) -> str:
        """Return the incident id of the occurrence that starts then, named by its local day."""
        day = f"-{start.astimezone(self.zone):%Y%m%d}"
        return series_id[: _MAX_ID - len(day)] + day

    def cancel(self, done: Collection[str], now: datetime) -> None:
        """Cancel the announced occurrences that have not begun: their series has ended."""
        for key in sorted(key for key in done if _OCCURRENCE in key):
            occurrence_id = key.partition(_OCCURRENCE)[2]
            with self.database.read() as connection:
                story = read_story(connection, occurrence_id)
            if story is not None and story.work.status is Status.SCHEDULED and story.work.window.start > now:
                event = automatic_event(story, "series-canceled", MaintenanceText.CANCELED, self.locales, now)
                self.ingest.take(event)


def _announcement(connection: Connection, incident_id: str) -> Announcement | None:
    """Return the newest public update that announced a series, reminders apart."""
    for row in reversed(timeline.full_updates(connection, incident_id)):
        if row.status == Status.SCHEDULED.value and row.visible and not row.held and not row.reminder:
            return Announcement(incident=incident_from_json(row.incident), body=dict(row.body))
    return None
