"""The events of planned work that runs itself. Two schedulers make the same event."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from notifier.domain.incidents.automation import PlannedWork, planned_work, wanted_automation
from notifier.domain.incidents.incident import Automation, Event, Incident, Update, Window
from notifier.domain.incidents.maintenance_texts import MaintenanceText, maintenance_body
from notifier.domain.incidents.snapshot import Earlier
from notifier.domain.values import Impact, Status
from notifier.storage.database import Connection
from notifier.storage.incidents import timeline

SOURCE = "automation"
_MAX_ID = 200  # as in the tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Planned work as the public knows it, read in one transaction.

    `version`: of the timeline (`Event.read`). `is_announced`: somebody was to be notified of it.
    """

    incident: Incident
    work: PlannedWork
    described: Sequence[Incident]
    automation: Automation | None
    latest_at: datetime
    version: str
    is_announced: bool


def read_story(connection: Connection, incident_id: str) -> Story | None:
    """Return the story of planned work; None if nothing of it is public, or if it is none."""
    public = [entry for entry in timeline.earlier(connection, incident_id) if entry.status is not Status.POSTMORTEM]
    work = planned_work(public)
    if work is None:
        return None
    entries = timeline.entries(connection, incident_id)
    return Story(
        incident=public[-1].incident,
        work=work,
        described=[entry.incident for entry in public],
        automation=wanted_automation(entry.incident for entry in public),
        latest_at=_latest(public),
        version=timeline.version(connection, incident_id),
        is_announced=any(entry.notify for entry in entries if entry.shown),
    )


def _latest(public: Sequence[Earlier]) -> datetime:
    return max(entry.ordered_at for entry in public)


def automatic_event(story: Story, key: str, text: MaintenanceText, locales: Collection[str], now: datetime) -> Event:
    """Return an event that moves planned work on. It is refused if the incident has changed since it was read."""
    status = _STATUSES[text]
    parts = () if status.is_over else story.incident.components  # at the end all are operational
    incident = replace(story.incident, components=parts, moved_from=None, automation=None)
    return Event(
        id=event_id(incident.id, key),
        incident=incident,
        update=Update(
            id=f"auto-{key}",
            status=status,
            body=maintenance_body(text, locales),
            posted_at=max(now, story.latest_at),
        ),
        notify=story.is_announced,
        read=story.version,
        source=SOURCE,
        reminder=text is MaintenanceText.REMINDER,
    )


_STATUSES = {
    MaintenanceText.REMINDER: Status.SCHEDULED,
    MaintenanceText.STARTED: Status.IN_PROGRESS,
    MaintenanceText.COMPLETED: Status.COMPLETED,
    MaintenanceText.CANCELED: Status.CANCELED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """The update that announced a series: what every occurrence says too."""

    incident: Incident
    body: Mapping[str, str]


def occurrence_event(story: Story, announced: Announcement, occurrence_id: str, window: Window, now: datetime) -> Event:
    """Return the event that announces one occurrence of a series as an incident of its own."""
    automation = None if story.automation is None else replace(story.automation, repeat=None)
    incident = Incident(
        id=occurrence_id,
        title=announced.incident.title,
        impact=Impact.MAINTENANCE,
        components=announced.incident.components,
        components_known=announced.incident.components_known,
        scheduled_for=window.start,
        scheduled_until=window.end,
        links=announced.incident.links,
        automation=automation,
    )
    update = Update(id="auto-scheduled", status=Status.SCHEDULED, body=announced.body, posted_at=now)
    return Event(
        id=event_id(occurrence_id, "scheduled"),
        incident=incident,
        update=update,
        notify=story.is_announced,
        source=SOURCE,
    )


def event_id(incident_id: str, key: str) -> str:
    """Return the deterministic id of an automatic event, within the length of an id."""
    found = f"auto:{incident_id}:{key}"
    return found if len(found) <= _MAX_ID else f"auto:{hashlib.sha256(found.encode()).hexdigest()}"
