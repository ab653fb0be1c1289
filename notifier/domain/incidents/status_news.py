"""News from the status page of another system."""

from dataclasses import dataclass
from datetime import datetime

from notifier.domain.incidents.incident import Event
from notifier.domain.values import ComponentStatus


@dataclass(frozen=True, slots=True)
class ComponentNews:
    """A component's status changed: no incident, nothing to announce.

    `id` is the same on repeats.
    """

    id: str
    component: str
    old_status: ComponentStatus | None
    new_status: ComponentStatus
    at: datetime


@dataclass(frozen=True, slots=True)
class IncidentNews:
    """An incident's whole timeline in order of creation. The last event is new."""

    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class ListedIncident:
    """An incident as a page lists it. `version`: differs after any change. `news`: as a webhook would tell it."""

    id: str
    version: str
    news: IncidentNews
