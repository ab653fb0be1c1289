"""Incidents of an Atlassian Statuspage -> events, the same whether a webhook or its API v2 tells of them.

Source: Statuspage's "Enable webhook notifications" and "Status API v2". A webhook has no `type`
field. An object with `incident` describes an incident or a maintenance window with its whole
timeline, newest first; one with `component_update` only a component's status.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from notifier.domain.errors import FieldError, InvalidInputError
from notifier.domain.ids import identifier
from notifier.domain.incidents.incident import AffectedComponent, Event, Incident, Update
from notifier.domain.incidents.status_news import ComponentNews, IncidentNews, ListedIncident
from notifier.domain.proposals.page_languages import MarkedLanguage
from notifier.domain.values import ComponentStatus, Status
from notifier.inbound.integrations import (
    MAX_BODY,
    MAX_COMPONENTS,
    ComponentNames,
    as_markdown,
    one_line,
    read,
    slug,
    web_link,
)
from notifier.inbound.page_languages import split_languages, split_title
from notifier.inbound.page_texts import bounded, page_line, page_markdown, with_hard_breaks
from notifier.inbound.statuspage_payload import (
    PageComponent,
    PageComponentUpdate,
    PageIncident,
    PageListing,
    PageUpdate,
    PageWebhook,
)

MAX_UPDATES = 200  # per timeline; older ones were ingested long ago
# Worst first: decides between two statuses of one component, and which components stay if there are
# too many. None: the page does not say.
_SEVERITY = (
    ComponentStatus.MAJOR_OUTAGE,
    ComponentStatus.PARTIAL_OUTAGE,
    ComponentStatus.DEGRADED_PERFORMANCE,
    ComponentStatus.UNDER_MAINTENANCE,
    ComponentStatus.OPERATIONAL,
    None,
)
_Affected = tuple[AffectedComponent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSource:
    """What the payload lacks: its sender, its languages, and our names for components.

    `mapping`: the page's ids and names of components to keys of ours, before `components` are
    tried. `languages`: those that a text holds side by side; empty: all is in `locale`. `url`: the
    page's address, for incidents without a link of their own.
    """

    source: str
    locale: str
    components: ComponentNames
    mapping: Mapping[str, str] = field(default_factory=dict)
    languages: Sequence[MarkedLanguage] = ()
    url: str | None = None

    def component(self, its_id: str | None, *names: str | None) -> str | None:
        """Return our key for an id or a name that is mapped, else for one that is ours; None: not ours."""
        words = [page_line(name) for name in names if name]
        mapped = {name.strip().casefold(): key for name, key in self.mapping.items()}
        known = (mapped.get(word.casefold()) for word in (its_id or "", *words))
        return next((key for key in known if key), None) or self.components.key(*words, its_id)


def parse_statuspage(data: bytes, page: PageSource) -> IncidentNews | ComponentNews:
    """Parse one webhook.

    Only the newest event has `notify` true, unless the page itself wanted silence (backfilled, or
    without notifications): the first webhook of an open incident must not announce its history.
    Event ids derive from the update, its last edit and its status, so a repeat is a duplicate and
    an edit in place is not.

    Raises:
        InvalidInputError: Names the fields at fault by their dotted paths.
    """
    payload = read(PageWebhook, data)
    if payload.incident is not None:
        return IncidentNews(_events(payload.incident, page))
    if payload.component_update is not None:
        return _component_news(payload.component_update, payload.component, page)
    raise InvalidInputError([FieldError("incident", "neither incident nor component_update is there")])


def parse_statuspage_listing(data: bytes, page: PageSource) -> tuple[ListedIncident, ...]:
    """Parse a list of the API v2, the oldest incident first.

    Raises:
        InvalidInputError: It is not JSON, is no list of incidents, or names the fields at fault.
    """
    listing = read(PageListing, data)
    if listing.incidents is None and listing.scheduled_maintenances is None:
        raise InvalidInputError([FieldError("incidents", "neither incidents nor scheduled_maintenances is there")])
    listed = (*(listing.incidents or ()), *(listing.scheduled_maintenances or ()))
    return tuple(
        ListedIncident(incident.id, _version(incident), IncidentNews(_events(incident, page)))
        for incident in sorted(listed, key=lambda incident: incident.created_at)
    )


def _version(incident: PageIncident) -> str:
    return hashlib.sha256(incident.model_dump_json().encode()).hexdigest()[:32]


def _component_news(update: PageComponentUpdate, component: PageComponent | None, page: PageSource) -> ComponentNews:
    changed = component or PageComponent()
    key = page.component(changed.id, changed.name) or slug(changed.name or changed.id or "")
    return ComponentNews(
        id=identifier("statuspage", page.source, update.id),
        component=key,
        old_status=update.old_status,
        new_status=update.new_status,
        at=update.created_at,
    )


def _events(incident: PageIncident, page: PageSource) -> tuple[Event, ...]:
    oldest_first = incident.incident_updates[::-1]
    timeline = sorted(oldest_first, key=lambda update: update.created_at)[-MAX_UPDATES:]
    if not timeline or timeline[-1].status is not incident.status:
        timeline.append(_unwritten_update(incident, timeline[-1] if timeline else None))
    loud = timeline[-1].deliver_notifications and not incident.backfilled
    events: list[Event] = []
    affected: _Affected = ()
    for update in timeline:
        affected = _components(incident, update, page) or _without_status(affected)
        events.append(_event(incident, update, affected, page, notify=loud and update is timeline[-1]))
    return tuple(events)


def _unwritten_update(incident: PageIncident, last: PageUpdate | None) -> PageUpdate:
    """Create an update for a state without one, so that nobody is left with the previous state."""
    at = incident.updated_at or incident.created_at
    return PageUpdate.model_construct(
        id=f"{incident.id}-{incident.status}",
        status=incident.status,
        created_at=max(at, last.created_at) if last else at,
        deliver_notifications=last.deliver_notifications if last else True,
    )


def _event(incident: PageIncident, update: PageUpdate, affected: _Affected, page: PageSource, *, notify: bool) -> Event:
    edited = update.updated_at or update.created_at
    title = _title(incident, page)
    link = web_link(incident.shortlink)
    return Event(
        id=identifier(page.source, incident.id, update.id, update.status, edited.strftime("%Y%m%dT%H%M%S.%fZ")),
        incident=Incident(
            id=f"{page.source}.{incident.id}",
            title=title,
            impact=incident.impact,
            components=affected,
            components_known=bool(affected),
            started_at=incident.started_at or incident.created_at,
            scheduled_for=incident.scheduled_for,
            scheduled_until=incident.scheduled_until,
            links=(link,) if link else (),
        ),
        update=Update(
            id=update.id,
            status=update.status,
            body=_body(incident, update, link or page.url, page) or _as_bodies(title),
            posted_at=update.posted_at,
            created_at=update.created_at,
        ),
        notify=notify,
        source=f"statuspage:{page.source}",
    )


def _title(incident: PageIncident, page: PageSource) -> dict[str, str]:
    whole = page_line(incident.name)
    parts = split_title(whole, page.languages) if page.languages else {page.locale: whole}
    titles = {locale: line for locale, part in parts.items() if (line := one_line(part))}
    return titles or {page.locale: incident.id}


def _body(incident: PageIncident, update: PageUpdate, more: str | None, page: PageSource) -> dict[str, str]:
    """Return a body in each of its languages; empty if the page says nothing."""
    is_postmortem = update.status is Status.POSTMORTEM
    text = update.body if update.body.strip() or not is_postmortem else incident.postmortem_body
    whole = page_markdown(text, is_markdown=is_postmortem or None)
    parts = split_languages(whole, page.languages) if page.languages else {page.locale: whole}
    bodies = {locale: bounded(with_hard_breaks(part), MAX_BODY, more) for locale, part in parts.items()}
    return {locale: body for locale, body in bodies.items() if body.strip()}


def _as_bodies(title: Mapping[str, str]) -> dict[str, str]:
    return {locale: as_markdown(text) for locale, text in title.items()}


def _without_status(affected: _Affected) -> _Affected:
    """What an update without components of ours concerns: still those of the update before it."""
    return tuple(AffectedComponent(key=item.key) for item in affected)


def _components(incident: PageIncident, update: PageUpdate, page: PageSource) -> _Affected:
    """Return the components of an update; the incident's own list if it has none of ours."""
    by_id = {component.id: component.name for component in incident.components}
    told = [
        (page.component(item.code, by_id.get(item.code), _without_group(item.name), item.name), item.new_status)
        for item in update.affected_components
    ]
    listed = [(page.component(item.id, item.name), item.status) for item in incident.components]
    return worst_of(told) or worst_of(listed)


def _without_group(name: str | None) -> str | None:
    """Strip the group of "Group - Component"; dashes in names are ambiguous, so ids come first."""
    return name.partition(" - ")[2] or name if name else None


def worst_of(statuses: Sequence[tuple[str | None, ComponentStatus | None]]) -> _Affected:
    """Return one entry per component with its worst status; at most the 200 worst."""
    ranked: Iterable[tuple[str | None, ComponentStatus | None]] = sorted(
        statuses, key=lambda item: _SEVERITY.index(item[1])
    )
    kept: dict[str, ComponentStatus | None] = {}
    for key, status in ranked:
        if key and len(kept) < MAX_COMPONENTS:
            kept.setdefault(key, status)
    return tuple(AffectedComponent(key=key, status=status) for key, status in sorted(kept.items()))
