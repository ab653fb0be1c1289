"""Webhook payload in the format of Atlassian Statuspage, for existing consumers of it.

Statuspage has one language: the default locale. Times, nulls and the order of the timeline (newest
first) follow its documentation and recorded payloads. Fields that a notice lacks are null.
"""

import hashlib
from datetime import UTC, datetime
from typing import Any

from notifier.domain.incidents.incident import AffectedComponent
from notifier.domain.incidents.notice import Notice, NoticeUpdate
from notifier.domain.values import ComponentStatus, Impact, Status
from notifier.rendering.incident_view import Storyteller
from notifier.rendering.language import Language, pick
from notifier.rendering.text.markup import without_markup
from notifier.rendering.text.sanitize import clean_block

# English on every Statuspage; consumers match on it.
_PAGE_STATUS = {
    Impact.NONE: "All Systems Operational",
    Impact.MINOR: "Minor Service Outage",
    Impact.MAJOR: "Partial System Outage",
    Impact.CRITICAL: "Major Service Outage",
    Impact.MAINTENANCE: "Service Under Maintenance",
}


def statuspage_payload(notice: Notice, view: Storyteller, public_url: str) -> dict[str, Any]:
    """Build the incident payload of one notice, with the whole timeline."""
    reader = view.languages[view.brand.default_locale]
    page_id = _page_id(public_url)
    impact = Impact.NONE if notice.lead.status.is_over else notice.incident.impact
    return {
        "meta": {
            "unsubscribe": f"{public_url}/",
            "documentation": f"{public_url}/docs",
            "generated_at": _time(notice.created_at),
        },
        "page": {"id": page_id, "status_indicator": impact.value, "status_description": _PAGE_STATUS[impact]},
        "incident": _incident(notice, view, reader, page_id),
    }


def _incident(notice: Notice, view: Storyteller, reader: Language, page_id: str) -> dict[str, Any]:
    incident, first, lead = notice.incident, notice.updates[0], notice.lead
    postmortem = _first(notice, Status.POSTMORTEM)
    return {
        "id": incident.id,
        "page_id": page_id,
        "name": view.title(incident, reader),
        "status": _status(lead.status),
        "impact": incident.impact.value,
        "impact_override": None,
        "created_at": _time(first.ordered_at),
        "updated_at": _time(lead.ordered_at),
        "started_at": _time(incident.started_at or first.posted_at),
        "monitoring_at": _posted(_first(notice, Status.MONITORING)),
        "resolved_at": _posted(next((update for update in notice.updates if update.status.closes), None)),
        "shortlink": view.incident_url(incident.id, reader.tag),
        "backfilled": False,
        "scheduled_for": _time(incident.scheduled_for),
        "scheduled_until": _time(incident.scheduled_until),
        "scheduled_remind_prior": False,
        "scheduled_reminded_at": None,
        "scheduled_auto_in_progress": False,
        "scheduled_auto_completed": False,
        "postmortem_body": _body(postmortem, view, reader) if postmortem else None,
        "postmortem_body_last_updated_at": _posted(postmortem),
        "postmortem_published_at": _posted(postmortem),
        "postmortem_ignored": False,
        "postmortem_notified_subscribers": postmortem is not None,
        "postmortem_notified_twitter": False,
        "incident_updates": [
            _update(update, notice, view, reader, leads=update is lead) for update in reversed(notice.updates)
        ],
        "components": [
            {"page_id": page_id, "position": position, **_component(component, notice, view, reader)}
            for position, component in enumerate(incident.components, start=1)
        ],
    }


def _update(
    update: NoticeUpdate, notice: Notice, view: Storyteller, reader: Language, *, leads: bool
) -> dict[str, Any]:
    created_at = _time(update.ordered_at)
    return {
        "id": update.id,
        "incident_id": notice.incident.id,
        "status": _status(update.status),
        "body": _body(update, view, reader),
        "created_at": created_at,
        "updated_at": created_at,
        "display_at": _time(update.posted_at),
        "affected_components": _affected(notice, view, reader) if leads else None,
        "deliver_notifications": True,
        "custom_tweet": None,
        "tweet_id": None,
    }


def _affected(notice: Notice, view: Storyteller, reader: Language) -> list[dict[str, Any]] | None:
    """Return the components as of the lead update; operational before the first update."""
    opening = len(notice.updates) == 1
    return [
        {
            "code": component.key,
            "name": view.component_name(component.key, reader),
            "old_status": ComponentStatus.OPERATIONAL.value if opening else _health(component, notice),
            "new_status": _health(component, notice),
        }
        for component in notice.incident.components
    ] or None


def _component(component: AffectedComponent, notice: Notice, view: Storyteller, reader: Language) -> dict[str, Any]:
    return {
        "id": component.key,
        "name": view.component_name(component.key, reader),
        "status": _health(component, notice),
        "created_at": _time(notice.updates[0].ordered_at),
        "updated_at": _time(notice.lead.ordered_at),
        "description": None,
        "showcase": True,
        "start_date": None,
        "group_id": None,
        "group": False,
        "only_show_if_degraded": False,
    }


def _health(component: AffectedComponent, notice: Notice) -> str:
    """Return a component's status; if the producer gave none, the mildest that fits."""
    if component.status is not None:
        return component.status.value
    if notice.lead.status.is_over:
        return ComponentStatus.OPERATIONAL.value
    fitting = {Impact.CRITICAL: ComponentStatus.MAJOR_OUTAGE, Impact.MAJOR: ComponentStatus.PARTIAL_OUTAGE}
    if notice.incident.is_maintenance:
        return ComponentStatus.UNDER_MAINTENANCE.value
    return fitting.get(notice.incident.impact, ComponentStatus.DEGRADED_PERFORMANCE).value


def _status(status: Status) -> str:
    """Return Statuspage's status. It has no `canceled`: use `completed`."""
    return (Status.COMPLETED if status is Status.CANCELED else status).value


def _first(notice: Notice, status: Status) -> NoticeUpdate | None:
    return next((update for update in notice.updates if update.status is status), None)


def _body(update: NoticeUpdate, view: Storyteller, reader: Language) -> str:
    return clean_block(without_markup(pick(update.body, reader.tag, view.brand.default_locale)[1]))


def _posted(update: NoticeUpdate | None) -> str | None:
    return _time(update.posted_at) if update else None


def _time(instant: datetime | None) -> str | None:
    if instant is None:
        return None
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _page_id(public_url: str) -> str:
    """Return 12 characters, like a Statuspage id; stable for a given URL."""
    return hashlib.sha256(public_url.encode()).hexdigest()[:12]
