"""A Statuspage's recorded history as events.

Reads `incidents.json` or `scheduled-maintenances.json` of its public API v2. Source: Atlassian
Statuspage developer documentation, "Status API v2". Unlike our own events these are parsed
leniently: unknown fields are ignored, since pages differ in version.
"""

import re
from datetime import UTC, datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError, model_validator

from notifier.domain.errors import FieldError, InvalidInputError
from notifier.domain.incidents.incident import AffectedComponent, Event, Incident, Update
from notifier.domain.values import ComponentStatus, Impact, Status
from notifier.inbound.fields import Identifier, Link, Title
from notifier.inbound.integrations import MAX_BODY, as_markdown, one_line
from notifier.inbound.page_texts import bounded, page_line, page_markdown, with_hard_breaks

MAX_ERRORS = 50
_NO_KEY = re.compile(r"[^a-z0-9_-]+")
_KEY_LENGTH = 64


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: Any) -> Any:
        return {name: item for name, item in value.items() if item is not None} if isinstance(value, dict) else value


class _Affected(_Lenient):
    code: str
    new_status: ComponentStatus


class _Component(_Lenient):
    id: Identifier
    status: ComponentStatus


class _Update(_Lenient):
    id: Identifier
    status: Status
    body: str | None = None
    created_at: AwareDatetime
    display_at: AwareDatetime | None = None
    affected_components: tuple[_Affected, ...] | None = None
    deliver_notifications: bool = True


class _Incident(_Lenient):
    id: Identifier
    name: Title
    impact: Impact
    started_at: AwareDatetime | None = None
    created_at: AwareDatetime
    scheduled_for: AwareDatetime | None = None
    scheduled_until: AwareDatetime | None = None
    shortlink: Link | None = None
    backfilled: bool = False
    incident_updates: tuple[_Update, ...] = ()
    components: tuple[_Component, ...] = ()


class _History(_Lenient):
    incidents: tuple[_Incident, ...] = ()
    scheduled_maintenances: tuple[_Incident, ...] = ()


_ADAPTER = TypeAdapter(_History)


def parse_statuspage_history(data: bytes | str, *, locale: str = "en") -> list[Event]:
    """Parse every update of every incident of a page, in order of creation.

    Args:
        data: The page's response, UTF-8 JSON.
        locale: The language of its texts; a page has one.

    Raises:
        InvalidInputError: Names the fields at fault by their dotted path.
    """
    try:
        history = _ADAPTER.validate_json(data)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False, include_input=False)
        faults = [FieldError(".".join(map(str, detail["loc"])) or "body", detail["msg"]) for detail in details]
        raise InvalidInputError(faults[:MAX_ERRORS]) from None
    incidents = (*history.incidents, *history.scheduled_maintenances)
    events = [
        _event(incident, update, locale) for incident in incidents for update in reversed(incident.incident_updates)
    ]
    return sorted(events, key=lambda event: event.update.ordered_at)


def _event(incident: _Incident, update: _Update, locale: str) -> Event:
    posted_at = update.display_at or update.created_at
    return Event(
        id=f"{incident.id}-{update.id}",
        incident=Incident(
            id=incident.id,
            title={locale: one_line(page_line(incident.name)) or incident.id},
            impact=incident.impact,
            components=_components(incident, update),
            started_at=(incident.started_at or incident.created_at).astimezone(UTC),
            scheduled_for=_utc(incident.scheduled_for),
            scheduled_until=_utc(incident.scheduled_until),
            links=(incident.shortlink,) if incident.shortlink else (),
        ),
        update=Update(
            id=update.id,
            status=update.status,
            body={locale: _body(incident, update)},
            posted_at=posted_at.astimezone(UTC),
            created_at=update.created_at.astimezone(UTC),
        ),
        notify=update.deliver_notifications and not incident.backfilled,
        source="statuspage",
    )


def _body(incident: _Incident, update: _Update) -> str:
    is_postmortem = update.status is Status.POSTMORTEM
    written = with_hard_breaks(page_markdown(update.body or "", is_markdown=is_postmortem or None))
    return bounded(written, MAX_BODY, incident.shortlink).strip() or as_markdown(page_line(incident.name))


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment else None


def _components(incident: _Incident, update: _Update) -> tuple[AffectedComponent, ...]:
    """Return the components of an update; the incident's own list if it has none."""
    statuses = [(item.code, item.new_status) for item in update.affected_components or ()]
    statuses = statuses or [(item.id, item.status) for item in incident.components]
    by_key = {_NO_KEY.sub("-", code.lower()).strip("-_")[:_KEY_LENGTH]: status for code, status in statuses}
    return tuple(AffectedComponent(key=key, status=status) for key, status in sorted(by_key.items()) if key)
