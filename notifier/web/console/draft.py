"""A draft: the values of the compose form, made from an incident or a form, made into an event."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from notifier.domain.errors import FieldError, InvalidInputError
from notifier.domain.ids import new_ulid
from notifier.domain.values import ComponentStatus, Impact, Status
from notifier.services.conflicts import update_of

Form = Mapping[str, Sequence[str]]
AFFECTED = "affected"  # the component is affected, without a status
_OVER = [status.value for status in Status if status.closes]
_PLANNED = [status.value for status in Status if status.is_maintenance]
AS_NEXT = "next"  # send the text as a new update, not as a correction of the one sent
_LOCAL = "%Y-%m-%dT%H:%M"  # format of <input type=datetime-local>


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An unsent update. It gets its ids when the form is opened, so sending twice is harmless."""

    event_id: str
    incident_id: str
    update_id: str
    is_new: bool
    title: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, str] = field(default_factory=dict)
    impact: str = Impact.MINOR.value
    status: str = Status.INVESTIGATING.value
    components: Mapping[str, str] = field(default_factory=dict)
    prefilled: Mapping[str, str] = field(default_factory=dict)  # when the form was opened
    scheduled_for: str = ""
    scheduled_until: str = ""
    next_update_at: str = ""
    links: str = ""
    notify: bool = True
    after: str = ""  # the incident's version when the form was opened (`timeline.version`); empty: new


def fresh(now: datetime) -> Draft:
    """Return the draft of a new incident."""
    return Draft(
        event_id=f"evt_{new_ulid(now)}",
        incident_id=f"inc_{new_ulid(now)}",
        update_id=f"upd_{new_ulid(now)}",
        is_new=True,
    )


def following(incident: Mapping[str, Any], version: str, zone: ZoneInfo, now: datetime) -> Draft:
    """Return the draft of an incident's next update: the current values, without a text."""
    components = {item["key"]: item.get("status") or AFFECTED for item in incident["components"]}
    return replace(
        fresh(now),
        incident_id=incident["id"],
        is_new=False,
        title=incident["title"],
        impact=incident["impact"],
        status=incident["status"],
        components=components,
        prefilled=components,
        scheduled_for=_local(incident["scheduled_for"], zone),
        scheduled_until=_local(incident["scheduled_until"], zone),
        links="\n".join(incident["links"]),
        after=version,
    )


def on_top(draft: Draft, version: str) -> Draft:
    """Return the draft as an update of the incident's current state."""
    return replace(draft, is_new=False, after=version)


def again(draft: Draft, now: datetime) -> Draft:
    """Return the draft as another event: the one of its form was sent before."""
    return replace(draft, event_id=f"evt_{new_ulid(now)}")


def _local(instant: str | None, zone: ZoneInfo) -> str:
    return datetime.fromisoformat(instant).astimezone(zone).strftime(_LOCAL) if instant else ""


def read(form: Form) -> Draft:
    """Read a draft from the form."""

    def one(name: str) -> str:
        return (form.get(name) or [""])[0].strip()

    def each(prefix: str) -> dict[str, str]:
        return {name[len(prefix) :]: one(name) for name in form if name.startswith(prefix) and one(name)}

    event_id = one("event_id")
    # Derived from the form, so that pressing the button twice sends the same event.
    update_id = f"upd_{event_id.removeprefix('evt_')}" if one("as") == AS_NEXT else one("update_id")
    return Draft(
        event_id=event_id,
        incident_id=one("incident_id"),
        update_id=update_id,
        is_new=one("is_new") == "yes",
        title=each("title."),
        body={locale: text.replace("\r\n", "\n") for locale, text in each("body.").items()},
        impact=one("impact"),
        status=one("status"),
        components=each("component."),
        prefilled=each("was."),
        scheduled_for=one("scheduled_for"),
        scheduled_until=one("scheduled_until"),
        next_update_at=one("next_update_at"),
        links=one("links"),
        notify=one("notify") == "yes",
        after=one("after"),
    )


def settled(draft: Draft) -> Draft:
    """Return the draft as sent: when an incident ends, its components work again.

    A status that the operator chose is kept; one prefilled when the form was opened is not a
    choice.
    """
    if draft.status in _OVER:
        kept = draft.components.items()
        works = ComponentStatus.OPERATIONAL.value
        components = {key: works if state in (AFFECTED, draft.prefilled.get(key)) else state for key, state in kept}
        draft = replace(draft, components=components)
    return replace(draft, prefilled={})


def event_of(draft: Draft, zone: ZoneInfo, now: datetime, *, started_at: str | None) -> bytes:
    """Return the event as the body of `POST /v1/events`; local times are in `zone`.

    Raises:
        InvalidInputError: A time is invalid.
    """
    incident = {
        "id": draft.incident_id,
        "title": draft.title,
        "impact": draft.impact,
        "components": [
            {"key": key, "status": None if health == AFFECTED else health} for key, health in draft.components.items()
        ],
        "started_at": None if draft.status in _PLANNED else started_at or now.isoformat(),
        "scheduled_for": _instant("incident.scheduled_for", draft.scheduled_for, zone),
        "scheduled_until": _instant("incident.scheduled_until", draft.scheduled_until, zone),
        "links": draft.links.split(),
    }
    update = {
        "id": draft.update_id,
        "status": draft.status,
        "body": draft.body,
        "posted_at": now.isoformat(),
        "next_update_at": _instant("update.next_update_at", draft.next_update_at, zone),
    }
    event = {"id": draft.event_id, "incident": incident, "update": update, "notify": draft.notify}
    return orjson.dumps(event | {"after": update_of(draft.after) or None, "source": "console"})


def _instant(name: str, local: str, zone: ZoneInfo) -> str | None:
    if not local:
        return None
    try:
        return datetime.strptime(local, _LOCAL).replace(tzinfo=zone).isoformat()
    except ValueError:
        raise InvalidInputError([FieldError(name, "must be a date and a time")]) from None
