"""A page's incidents by Statuspage's API v2 -> values.

Source: Atlassian Statuspage developer documentation, "Status API v2". Read leniently: pages differ in
version, and other products imitate the API. But an answer without a list of incidents is refused: it must
not pass for "all is well".
"""

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import AwareDatetime, BeforeValidator, Field, TypeAdapter, ValidationError

from notifier.domain.proposals.polled_page import PageUnreadableError
from notifier.domain.proposals.upstream import PageNews, UpstreamComponent, UpstreamIncident
from notifier.domain.values import ComponentStatus, Impact, Status
from notifier.inbound.integrations import Lenient, one_line

_MOST_NAME, _MOST_TEXT, _MOST_LINK = 300, 4_000, 2_000
_IMPACTS = {impact.value: impact for impact in Impact}
_STATUSES = {status.value: status for status in Status}
_COMPONENT_STATUSES = {status.value: status for status in ComponentStatus}
_MOMENT = TypeAdapter(AwareDatetime)
_Value = TypeVar("_Value")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _items(value: object) -> list[Any]:
    """Return the objects of a list: `null` is empty, and what is no object is left out."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


Words = Annotated[str, BeforeValidator(_text)]


class _Affected(Lenient):
    code: Words = ""
    name: Words = ""  # "Group - Component"
    new_status: Words = ""


class _Component(Lenient):
    id: Words = ""
    name: Words = ""
    status: Words = ""
    group_id: Words = ""


class _Update(Lenient):
    id: Words = ""
    status: Words = ""
    body: Words = ""
    created_at: Words = ""
    updated_at: Words = ""
    affected_components: Annotated[tuple[_Affected, ...], BeforeValidator(_items)] = ()


class _Incident(Lenient):
    id: Words = ""
    name: Words = ""
    status: Words = ""
    impact: Words = ""
    created_at: Words = ""
    started_at: Words = ""
    resolved_at: Words = ""
    shortlink: Words = ""
    incident_updates: Annotated[tuple[_Update, ...], BeforeValidator(_items)] = ()
    components: Annotated[tuple[_Component, ...], BeforeValidator(_items)] = ()


class _Page(Lenient):
    name: Words = ""


class _Listing(Lenient):
    page: Annotated[_Page, BeforeValidator(lambda value: value if isinstance(value, dict) else {})] = _Page()
    incidents: Annotated[tuple[_Incident, ...], Field(strict=False)]


def parse_upstream_page(data: bytes) -> PageNews:
    """Read `incidents/unresolved.json`, `incidents.json` or `summary.json`.

    An incident without an id is left out. An unknown impact counts as minor, an unknown status as
    investigating: the page says that something is wrong.

    Raises:
        PageUnreadableError: It is not JSON (an error page in HTML), or lists no incidents.
    """
    try:
        listing = _Listing.model_validate_json(data)
    except ValidationError as error:
        kind = error.errors(include_url=False, include_input=False, include_context=False)[0]["type"]
        what = "not JSON" if kind == "json_invalid" else "not a list of incidents by Statuspage's API v2"
        raise PageUnreadableError(f"the answer is {what}") from None
    incidents = tuple(_incident(incident) for incident in listing.incidents if incident.id)
    return PageNews(one_line(listing.page.name, _MOST_NAME), incidents)


def _incident(incident: _Incident) -> UpstreamIncident:
    status = _known(_STATUSES, incident.status, Status.INVESTIGATING)
    if incident.resolved_at and not status.is_over:
        status = Status.RESOLVED
    newest = incident.incident_updates[0] if incident.incident_updates else _Update()
    return UpstreamIncident(
        id=incident.id[:_MOST_NAME],
        name=one_line(incident.name, _MOST_NAME),
        status=status,
        impact=_known(_IMPACTS, incident.impact, Impact.MINOR),
        components=_components(incident),
        link=_link(incident.shortlink),
        text=newest.body.strip()[:_MOST_TEXT],
        started_at=_moment(incident.started_at) or _moment(incident.created_at),
        version=hashlib.sha256(incident.model_dump_json().encode()).hexdigest()[:32],
    )


def _components(incident: _Incident) -> tuple[UpstreamComponent, ...]:
    """Return the incident's components; where it has none, those of the newest update that names some."""
    if incident.components:
        return tuple(
            UpstreamComponent(_names(one.id, one.name, one.group_id), _component_status(one.status))
            for one in incident.components
        )
    named = next((update for update in incident.incident_updates if update.affected_components), _Update())
    return tuple(
        UpstreamComponent(_names(one.code, one.name, one.name.partition(" - ")[2]), _component_status(one.new_status))
        for one in named.affected_components
    )


def _names(*names: str) -> tuple[str, ...]:
    return tuple(name for name in names if name)


def _component_status(word: str) -> ComponentStatus | None:
    return _COMPONENT_STATUSES.get(word.strip().lower())


def _known(values: dict[str, _Value], word: str, otherwise: _Value) -> _Value:
    return values.get(word.strip().lower(), otherwise)


def _moment(text: str) -> datetime | None:
    try:
        return _MOMENT.validate_python(text).astimezone(UTC) if text else None
    except (ValidationError, OverflowError):
        return None


def _link(text: str) -> str | None:
    is_usable = text.startswith(("https://", "http://")) and text.isprintable() and " " not in text
    return text if is_usable and len(text) <= _MOST_LINK else None
