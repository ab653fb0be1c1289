"""Domain values to JSON columns and back. Instants are RFC 3339 with an offset."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from notifier.domain.incidents.incident import AffectedComponent, Automation, Incident, Window
from notifier.domain.incidents.notice import AnnouncedWindow, Notice, NoticeUpdate
from notifier.domain.values import Channel, ComponentStatus, Impact, Status

JsonObject = dict[str, Any]


def instant_to_json(moment: datetime | None) -> str | None:
    """Format an aware instant as RFC 3339 in UTC."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def instant_from_json(text: str | None) -> datetime | None:
    """Parse what `instant_to_json` wrote."""
    return None if text is None else datetime.fromisoformat(text)


def incident_to_json(incident: Incident) -> JsonObject:
    """Convert an incident as in the contract's event; adds the previous window if it was moved."""
    automation = {} if incident.automation is None else {"automation": automation_to_json(incident.automation)}
    moved = {} if incident.moved_from is None else window_to_json(incident.moved_from, "previous_")
    return {
        "id": incident.id,
        "title": dict(incident.title),
        "impact": incident.impact.value,
        "components": [
            {"key": component.key, "status": component.status.value if component.status else None}
            for component in incident.components
        ],
        "started_at": instant_to_json(incident.started_at),
        "scheduled_for": instant_to_json(incident.scheduled_for),
        "scheduled_until": instant_to_json(incident.scheduled_until),
        "links": list(incident.links),
        "components_known": incident.components_known,
        **automation,
        **moved,
    }


def automation_to_json(automation: Automation) -> JsonObject:
    """Write what planned work does by itself as the event carries it; `remind` in seconds."""
    remind = automation.remind
    return {
        "remind": None if remind is None else [offset.total_seconds() for offset in remind],
        "start": automation.start,
        "complete": automation.complete,
        "repeat": automation.repeat,
    }


def automation_from_json(data: Mapping[str, Any] | None) -> Automation | None:
    """Read what `automation_to_json` wrote."""
    if data is None:
        return None
    remind = data["remind"]
    return Automation(
        remind=None if remind is None else tuple(timedelta(seconds=seconds) for seconds in remind),
        start=data["start"],
        complete=data["complete"],
        repeat=data["repeat"],
    )


def window_to_json(window: Window | None, prefix: str = "") -> JsonObject:
    """Convert a window to `scheduled_for` and `scheduled_until`; both null without one."""
    return {
        f"{prefix}scheduled_for": instant_to_json(window.start if window else None),
        f"{prefix}scheduled_until": instant_to_json(window.end if window else None),
    }


def window_from_json(data: Mapping[str, Any], prefix: str = "") -> Window | None:
    """Parse what `window_to_json` wrote."""
    start = instant_from_json(data.get(f"{prefix}scheduled_for"))
    return None if start is None else Window(start, instant_from_json(data[f"{prefix}scheduled_until"]))


def components_from_json(items: list[JsonObject]) -> tuple[AffectedComponent, ...]:
    """Parse the components of an incident."""
    return tuple(
        AffectedComponent(key=item["key"], status=ComponentStatus(item["status"]) if item.get("status") else None)
        for item in items
    )


def incident_from_json(data: Mapping[str, Any]) -> Incident:
    """Parse what `incident_to_json` wrote."""
    return Incident(
        id=data["id"],
        title=data["title"],
        impact=Impact(data["impact"]),
        components=components_from_json(data["components"]),
        started_at=instant_from_json(data["started_at"]),
        scheduled_for=instant_from_json(data["scheduled_for"]),
        scheduled_until=instant_from_json(data["scheduled_until"]),
        links=tuple(data["links"]),
        moved_from=window_from_json(data, "previous_"),
        components_known=data.get("components_known", True),
        automation=automation_from_json(data.get("automation")),
    )


def notice_to_json(notice: Notice) -> JsonObject:
    """Convert the content of a notification."""
    return {
        "id": notice.id,
        "channel": notice.channel.value,
        "sequence": notice.sequence,
        "incident": incident_to_json(notice.incident),
        "updates": [
            {
                "id": update.id,
                "status": update.status.value,
                "impact": update.impact.value,
                "body": dict(update.body),
                "posted_at": instant_to_json(update.posted_at),
                "sequence": update.sequence,
                "created_at": instant_to_json(update.created_at),
                "next_update_at": instant_to_json(update.next_update_at),
                **({"reminder": True} if update.reminder else {}),
            }
            for update in notice.updates
        ],
        "opens": notice.opens,
        "closes": notice.closes,
        "created_at": instant_to_json(notice.created_at),
        "round_start": notice.episode_start,
        "windows": [{"sequence": item.sequence, **window_to_json(item.window)} for item in notice.windows],
    }


def announces_end(data: Mapping[str, Any]) -> bool:
    """Whether a stored notice announced the end of its incident, or what followed it.

    False if it is malformed: later messages check earlier ones, and must not fail because of them.
    """
    lead = (data.get("updates") or [{}])[-1]
    return bool(data.get("closes")) or lead.get("status") == Status.POSTMORTEM.value


def notice_from_json(data: Mapping[str, Any]) -> Notice:
    """Parse what `notice_to_json` wrote."""
    return Notice(
        id=data["id"],
        channel=Channel(data["channel"]),
        sequence=data["sequence"],
        incident=incident_from_json(data["incident"]),
        updates=tuple(
            NoticeUpdate(
                id=item["id"],
                status=Status(item["status"]),
                impact=Impact(item["impact"]),
                body=item["body"],
                posted_at=datetime.fromisoformat(item["posted_at"]),
                sequence=item["sequence"],
                created_at=instant_from_json(item.get("created_at")),
                next_update_at=instant_from_json(item.get("next_update_at")),
                reminder=item.get("reminder", False),
            )
            for item in data["updates"]
        ),
        opens=data["opens"],
        closes=data["closes"],
        created_at=datetime.fromisoformat(data["created_at"]),
        episode_start=data.get("round_start", 1),
        windows=tuple(
            AnnouncedWindow(item["sequence"], window)
            for item in data.get("windows", ())
            if (window := window_from_json(item)) is not None
        ),
    )
