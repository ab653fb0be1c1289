from dataclasses import replace

import pytest

from notifier.domain.values import Impact, Status, WebhookFormat
from notifier.rendering.renderer import Renderer
from tests.unit.rendering.samples import INCIDENT, MAINTENANCE, a_notice, an_update
from tests.unit.rendering.webhook.bodies import TWO, body


def test_statuspage_sends_the_whole_timeline_newest_first(renderer: Renderer) -> None:
    payload = body(renderer, TWO, WebhookFormat.STATUSPAGE, since=1)
    incident = payload["incident"]
    assert [update["id"] for update in incident["incident_updates"]] == ["upd-2", "upd-1"]
    assert incident["incident_updates"][0]["affected_components"][0] == {
        "code": "storefront",
        "name": "Storefront",
        "old_status": "major_outage",
        "new_status": "major_outage",
    }
    assert incident["incident_updates"][1]["affected_components"] is None
    assert incident["name"] == "Degraded performance"
    assert incident["resolved_at"] is None
    assert incident["scheduled_for"] is None
    assert [part["name"] for part in incident["components"]] == ["Storefront", "Backoffice"]
    assert payload["page"] == {
        "id": incident["page_id"],
        "status_indicator": "major",
        "status_description": "Partial System Outage",
    }
    assert len(incident["page_id"]) == 12
    assert payload["meta"]["documentation"] == "https://status.example.com/docs"


def test_statuspage_says_when_it_was_over(renderer: Renderer) -> None:
    notice = a_notice(
        an_update(1), an_update(2, status=Status.MONITORING), an_update(3, status=Status.RESOLVED),
        an_update(4, status=Status.POSTMORTEM),
        incident=replace(INCIDENT, components=tuple(replace(part, status=None) for part in INCIDENT.components)),
    )  # fmt: skip
    payload = body(renderer, notice, WebhookFormat.STATUSPAGE)
    incident = payload["incident"]
    assert incident["monitoring_at"] == "2022-06-21T06:38:00.000Z"
    assert incident["resolved_at"] == "2022-06-21T06:40:00.000Z"
    assert incident["postmortem_body"] == "We are looking for the cause (4)."
    assert payload["page"]["status_description"] == "All Systems Operational"
    assert {part["status"] for part in incident["components"]} == {"operational"}


@pytest.mark.parametrize(
    ("impact", "status"),
    [(Impact.CRITICAL, "major_outage"), (Impact.MAJOR, "partial_outage"), (Impact.MINOR, "degraded_performance")],
)
def test_statuspage_guesses_the_mildest_health_that_fits(renderer: Renderer, impact: Impact, status: str) -> None:
    parts = tuple(replace(part, status=None) for part in INCIDENT.components)
    notice = a_notice(incident=replace(INCIDENT, impact=impact, components=parts))
    opening = body(renderer, notice, WebhookFormat.STATUSPAGE)["incident"]["incident_updates"][0]
    assert opening["affected_components"][0]["new_status"] == status
    assert opening["affected_components"][0]["old_status"] == "operational"


def test_statuspage_maintenance_bears_its_window(renderer: Renderer) -> None:
    parts = tuple(replace(part, status=None) for part in MAINTENANCE.components)
    notice = a_notice(an_update(1, status=Status.SCHEDULED), incident=replace(MAINTENANCE, components=parts))
    payload = body(renderer, notice, WebhookFormat.STATUSPAGE)
    assert payload["incident"]["scheduled_for"] == "2022-06-24T06:34:00.000Z"
    assert payload["incident"]["components"][0]["status"] == "under_maintenance"
    assert payload["page"]["status_indicator"] == "maintenance"


def test_statuspage_which_cannot_call_off_is_told_that_it_is_completed(renderer: Renderer) -> None:
    updates = an_update(1, status=Status.SCHEDULED), an_update(2, status=Status.CANCELED)
    notice = a_notice(*updates, incident=MAINTENANCE)
    incident = body(renderer, notice, WebhookFormat.STATUSPAGE)["incident"]
    assert incident["status"] == incident["incident_updates"][0]["status"] == "completed"
    assert incident["resolved_at"] == "2022-06-21T06:38:00.000Z"
