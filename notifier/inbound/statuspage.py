"""Webhooks of an Atlassian Statuspage -> events.

Source: Statuspage's "Enable webhook notifications". There is no `type` field. An object with
`incident` describes an incident or a maintenance window with its whole timeline, newest first; one
with `component_update` only a component's status. Texts are plain: what looks like Markdown or HTML
is shown literally.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field

from notifier.domain.errors import FieldError, InvalidInputError
from notifier.domain.ids import identifier
from notifier.domain.incidents.incident import AffectedComponent, Event, Incident, Update
from notifier.domain.incidents.status_news import ComponentNews, IncidentNews
from notifier.domain.values import ComponentStatus, Impact, Status
from notifier.inbound.fields import Instant
from notifier.inbound.integrations import (
    MAX_COMPONENTS,
    ComponentNames,
    Lenient,
    as_markdown,
    one_line,
    read,
    slug,
)

MAX_UPDATES = 200  # per timeline; older ones were ingested long ago
# Worst first: decides between two statuses of one component, and which components stay if there are
# too many.
_SEVERITY = (
    ComponentStatus.MAJOR_OUTAGE,
    ComponentStatus.PARTIAL_OUTAGE,
    ComponentStatus.DEGRADED_PERFORMANCE,
    ComponentStatus.UNDER_MAINTENANCE,
    ComponentStatus.OPERATIONAL,
)
_Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


class _Affected(Lenient):
    code: str | None = None
    name: str | None = None  # "Group - Component"
    new_status: ComponentStatus


class _Component(Lenient):
    id: str
    name: str | None = None
    status: ComponentStatus


class _Update(Lenient):
    id: _Id
    status: Status
    body: str | None = None
    created_at: Instant
    updated_at: Instant | None = None
    display_at: Instant | None = None
    affected_components: tuple[_Affected, ...] | None = None
    deliver_notifications: bool = True

    @property
    def posted_at(self) -> datetime:
        return self.display_at or self.created_at


class _Incident(Lenient):
    id: _Id
    name: str
    status: Status
    impact: Impact
    created_at: Instant
    updated_at: Instant | None = None
    started_at: Instant | None = None
    scheduled_for: Instant | None = None
    scheduled_until: Instant | None = None
    shortlink: str | None = None
    backfilled: bool = False
    incident_updates: tuple[_Update, ...] = ()
    components: tuple[_Component, ...] = ()


class _ComponentUpdate(Lenient):
    id: _Id
    old_status: ComponentStatus | None = None
    new_status: ComponentStatus
    created_at: Instant


class _Payload(Lenient):
    incident: _Incident | None = None
    component_update: _ComponentUpdate | None = None
    component: _Component | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSource:
    """What the payload lacks: its sender, its language, and our names for components."""

    source: str
    locale: str
    components: ComponentNames


def parse_statuspage(data: bytes, page: PageSource) -> IncidentNews | ComponentNews:
    """Parse one webhook.

    Only the newest event has `notify` true, unless the page itself wanted silence (backfilled, or
    without notifications): the first webhook of an open incident must not announce its history.
    Event ids derive from the update, its last edit and its status, so a repeat is a duplicate and
    an edit in place is not.

    Raises:
        InvalidInputError: Names the fields at fault by their dotted paths.
    """
    payload = read(_Payload, data)
    if payload.incident is not None:
        return IncidentNews(_events(payload.incident, page))
    if payload.component_update is not None:
        return _component_news(payload.component_update, payload.component, page)
    raise InvalidInputError([FieldError("incident", "neither incident nor component_update is there")])


def _component_news(update: _ComponentUpdate, component: _Component | None, page: PageSource) -> ComponentNews:
    name = component and (page.components.key(component.name, component.id) or slug(component.name or component.id))
    return ComponentNews(
        id=identifier("statuspage", page.source, update.id),
        component=name or "",
        old_status=update.old_status,
        new_status=update.new_status,
        at=update.created_at,
    )


def _events(incident: _Incident, page: PageSource) -> tuple[Event, ...]:
    oldest_first = incident.incident_updates[::-1]
    timeline = sorted(oldest_first, key=lambda update: update.created_at)[-MAX_UPDATES:]
    if not timeline or timeline[-1].status is not incident.status:
        timeline.append(_unwritten_update(incident, timeline[-1] if timeline else None))
    loud = timeline[-1].deliver_notifications and not incident.backfilled
    earlier = [_event(incident, update, page, notify=False) for update in timeline[:-1]]
    return (*earlier, _event(incident, timeline[-1], page, notify=loud))


def _unwritten_update(incident: _Incident, last: _Update | None) -> _Update:
    """Create an update for a state without one, so that nobody is left with the previous state."""
    at = incident.updated_at or incident.created_at
    return _Update.model_construct(
        id=f"{incident.id}-{incident.status}",
        status=incident.status,
        created_at=max(at, last.created_at) if last else at,
        deliver_notifications=last.deliver_notifications if last else True,
    )


def _event(incident: _Incident, update: _Update, page: PageSource, *, notify: bool) -> Event:
    edited = update.updated_at or update.created_at
    title = one_line(incident.name) or incident.id
    components = _components(incident, update, page.components)
    return Event(
        id=identifier(page.source, incident.id, update.id, update.status, edited.strftime("%Y%m%dT%H%M%S.%fZ")),
        incident=Incident(
            id=f"{page.source}.{incident.id}",
            title={page.locale: title},
            impact=incident.impact,
            components=components,
            components_known=bool(components),
            started_at=incident.started_at or incident.created_at,
            scheduled_for=incident.scheduled_for,
            scheduled_until=incident.scheduled_until,
            links=_links(incident.shortlink),
        ),
        update=Update(
            id=update.id,
            status=update.status,
            body={page.locale: as_markdown(update.body or "") or as_markdown(title)},
            posted_at=update.posted_at,
            created_at=update.created_at,
        ),
        notify=notify,
        source=f"statuspage:{page.source}",
    )


def _links(shortlink: str | None) -> tuple[str, ...]:
    usable = shortlink and shortlink.startswith(("https://", "http://")) and shortlink.isprintable()
    return (shortlink,) if shortlink and usable and len(shortlink) <= 2000 and " " not in shortlink else ()  # noqa: PLR2004


def _components(incident: _Incident, update: _Update, names: ComponentNames) -> tuple[AffectedComponent, ...]:
    """Return the components of an update; the incident's own list if it has none."""
    by_id = {component.id: component.name for component in incident.components}
    statuses = [
        (names.key(by_id.get(item.code or ""), _without_group(item.name), item.name, item.code), item.new_status)
        for item in update.affected_components or ()
    ] or [(names.key(item.name, item.id), item.status) for item in incident.components]
    return worst_of(statuses)


def _without_group(name: str | None) -> str | None:
    """Strip the group of "Group - Component"; dashes in names are ambiguous, so ids come first."""
    return name.partition(" - ")[2] or name if name else None


def worst_of(statuses: Sequence[tuple[str | None, ComponentStatus]]) -> tuple[AffectedComponent, ...]:
    """Return one entry per component with its worst status; at most the 200 worst."""
    ranked: Iterable[tuple[str | None, ComponentStatus]] = sorted(statuses, key=lambda item: _SEVERITY.index(item[1]))
    kept: dict[str, ComponentStatus] = {}
    for key, status in ranked:
        if key and len(kept) < MAX_COMPONENTS:
            kept.setdefault(key, status)
    return tuple(AffectedComponent(key=key, status=status) for key, status in sorted(kept.items()))
