import json
from datetime import UTC, datetime
from typing import Any

import pytest

from notifier.domain.errors import InvalidInputError
from notifier.domain.values import ComponentStatus
from notifier.inbound.event_files import read_events


def read(data: bytes | str) -> list[str]:
    text = data.encode() if isinstance(data, str) else data
    return [event.id for event in read_events(text, now=None)]


def faults(data: bytes | str) -> dict[str, str]:
    with pytest.raises(InvalidInputError) as caught:
        read(data)
    return {error.field: error.message for error in caught.value.errors}


INCIDENT: dict[str, Any] = {
    "id": "p31zjtct2jer",
    "name": "Elevated errors",
    "status": "resolved",
    "impact": "major",
    "created_at": "2026-08-01T09:58:03.114Z",
    "started_at": "2026-08-01T09:58:03.100Z",
    "shortlink": "https://stspg.io/1x2y3z4w5v6u",
    "scheduled_for": None,
    "components": [{"id": "F0q6z2n8b4hs", "name": "Amsterdam (AMS)", "status": "operational"}],
    "page_id": "k3v9q0c2m7xw",
    "incident_updates": [
        {"id": "u3", "status": "resolved", "body": " ", "created_at": "2026-08-01T04:30:00.000-06:00"},
        {
            "id": "u2",
            "status": "identified",
            "body": "A line card.\r\nTraffic moves.",
            "created_at": "2026-08-01T10:02:10.880Z",
            "display_at": "2026-08-01T10:02:00.000Z",
            "deliver_notifications": False,
            "affected_components": [
                {"code": "f0q6z2n8b4hs", "name": "Europe - Amsterdam (AMS)", "new_status": "partial_outage"}
            ],
        },
        {"id": "u1", "status": "investigating", "body": "Errors.", "created_at": "2026-08-01T09:58:03.150Z"},
    ],
}

HISTORY = {"page": {"id": "k3v9q0c2m7xw"}, "incidents": [INCIDENT]}


def test_a_statuspages_history_is_read_oldest_update_first() -> None:
    events = read_events(json.dumps(HISTORY, indent=1).encode(), now=None)
    assert [event.update.id for event in events] == ["u1", "u2", "u3"]
    assert [event.notify for event in events] == [True, False, True]
    first, second, third = events
    assert first.id == "p31zjtct2jer-u1"
    assert first.incident.title == {"en": "Elevated errors"}
    assert first.incident.links == ("https://stspg.io/1x2y3z4w5v6u",)
    assert second.update.posted_at == datetime(2026, 8, 1, 10, 2, tzinfo=UTC)
    assert [(item.key, item.status) for item in second.incident.components] == [
        ("f0q6z2n8b4hs", ComponentStatus.PARTIAL_OUTAGE)
    ]
    assert third.update.posted_at == datetime(2026, 8, 1, 10, 30, tzinfo=UTC)
    assert third.update.body == {"en": "Elevated errors"}  # an update without text


def test_maintenances_of_a_statuspage_are_read_too() -> None:
    maintenance = INCIDENT | {
        "impact": "maintenance",
        "scheduled_for": "2026-08-02T00:00:00Z",
        "scheduled_until": "2026-08-02T02:00:00Z",
        "incident_updates": [{"id": "m1", "status": "scheduled", "body": "x", "created_at": "2026-08-01T00:00:00Z"}],
    }
    [event] = read_events(json.dumps({"scheduled_maintenances": [maintenance]}).encode(), now=None)
    assert event.incident.is_maintenance
    assert event.incident.scheduled_until == datetime(2026, 8, 2, 2, 0, tzinfo=UTC)


def test_what_a_statuspage_entered_after_the_fact_is_not_announced() -> None:
    events = read_events(json.dumps({"incidents": [INCIDENT | {"backfilled": True}]}).encode(), now=None)
    assert not any(event.notify for event in events)


def test_a_fault_in_a_statuspages_history_is_named() -> None:
    assert list(faults(json.dumps({"incidents": [INCIDENT | {"impact": "huge"}]}))) == ["incidents.0.impact"]


def test_control_characters_of_a_statuspage_are_dropped() -> None:
    update = {"id": "u1", "status": "resolved", "body": "a\x00b\x1bc\nd", "created_at": "2026-08-01T00:00:00Z"}
    [event] = read_events(json.dumps({"incidents": [INCIDENT | {"incident_updates": [update]}]}).encode(), now=None)
    assert event.update.body == {"en": "abc\\\nd"}


def test_a_statuspage_without_incidents_holds_no_event() -> None:
    assert faults('{"incidents": []}') == {"line 1: body": "holds no event"}


def test_html_becomes_markdown_and_null_is_absent() -> None:
    told = {
        "id": "u1",
        "status": "resolved",
        "body": "Over.<br /><br />We <b>watch</b> &amp; wait.",
        "components": None,
    }
    told |= {"created_at": "2026-08-01T10:02:10.880Z", "affected_components": None, "deliver_notifications": None}
    listing = {
        "incidents": [INCIDENT | {"incident_updates": [told], "components": None}],
        "scheduled_maintenances": None,
    }
    (event,) = read_events(json.dumps(listing).encode(), now=None)
    assert event.update.body == {"en": "Over.\n\nWe **watch** & wait."}
    assert (event.incident.components, event.notify) == ((), True)
