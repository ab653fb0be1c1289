"""Webhook bodies, in each format."""

import json
from datetime import UTC, datetime

import pytest

from notifier.domain.values import Status, WebhookFormat, WebhookType
from notifier.rendering.renderer import Renderer
from notifier.rendering.webhook.payloads import content_type
from tests.unit.rendering.samples import INCIDENT, LOCALES, a_moved_notice, a_notice, an_update
from tests.unit.rendering.webhook.bodies import TWO, body

NOON = datetime(2026, 8, 1, 10, 0, tzinfo=UTC)


def test_the_standard_body_is_the_contracts(renderer: Renderer) -> None:
    payload = body(renderer, TWO, since=1)
    assert set(payload) == {"type", "timestamp", "data"}
    assert payload["type"] == "incident.updated"
    assert payload["timestamp"] == "2022-06-21T06:38:00.000Z"
    data = payload["data"]
    assert (data["sequence"], data["is_replay"]) == (2, False)
    assert [update["id"] for update in data["updates"]] == ["upd-2"]
    assert data["updates"][0]["body"] == dict(TWO.lead.body)
    incident = data["incident"]
    assert incident["title"] == dict(INCIDENT.title)
    assert incident["components"][0] == {"key": "storefront", "status": "major_outage"}
    assert (incident["status"], incident["impact"]) == ("identified", "major")
    assert incident["started_at"] == "2022-06-21T06:34:00.000Z"
    assert set(incident["url"]) == set(LOCALES)


def test_updates_come_oldest_first(renderer: Renderer) -> None:
    assert [update["id"] for update in body(renderer, TWO)["data"]["updates"]] == ["upd-1", "upd-2"]


def test_a_replay_says_so(renderer: Renderer) -> None:
    payload = json.loads(renderer.webhook_body(TWO, WebhookFormat.STANDARD, 0, is_replay=True))
    assert payload["data"]["is_replay"] is True


@pytest.mark.parametrize(
    ("status", "opens", "expected"),
    [
        (Status.INVESTIGATING, True, WebhookType.CREATED),
        (Status.IDENTIFIED, False, WebhookType.UPDATED),
        (Status.RESOLVED, False, WebhookType.RESOLVED),
        (Status.POSTMORTEM, False, WebhookType.POSTMORTEM),
        (Status.SCHEDULED, True, WebhookType.MAINTENANCE_SCHEDULED),
        (Status.IN_PROGRESS, False, WebhookType.MAINTENANCE_STARTED),
        (Status.VERIFYING, False, WebhookType.MAINTENANCE_UPDATED),
        (Status.COMPLETED, False, WebhookType.MAINTENANCE_COMPLETED),
        (Status.CANCELED, False, WebhookType.MAINTENANCE_CANCELED),
    ],
)
def test_the_type_follows_the_status(renderer: Renderer, status: Status, *, opens: bool, expected: WebhookType) -> None:
    notice = a_notice(an_update(1, status=status), opens=opens)
    assert body(renderer, notice)["type"] == expected
    assert body(renderer, notice, WebhookFormat.CLOUDEVENTS)["type"] == expected


def test_the_body_is_the_same_bytes_every_time(renderer: Renderer) -> None:
    for format_ in WebhookFormat:
        assert renderer.webhook_body(TWO, format_, 0) == renderer.webhook_body(TWO, format_, 0)


def test_cloudevents_has_the_attributes_of_version_1_0(renderer: Renderer) -> None:
    event = body(renderer, TWO, WebhookFormat.CLOUDEVENTS)
    assert event["specversion"] == "1.0"
    assert event["id"] == TWO.id
    assert event["source"] == "https://status.example.com"
    assert event["subject"] == INCIDENT.id
    assert event["time"] == "2022-06-21T06:38:00.000Z"
    assert event["datacontenttype"] == "application/json"
    assert event["data"]["sequence"] == 2
    assert content_type(WebhookFormat.CLOUDEVENTS).startswith("application/cloudevents+json")
    assert content_type(WebhookFormat.STANDARD) == "application/json"


@pytest.mark.parametrize("format_", WebhookFormat)
def test_an_endpoint_test_names_no_incident(renderer: Renderer, format_: WebhookFormat) -> None:
    payload = json.loads(renderer.webhook_test_body(format_, "dlv_test_1", NOON))
    assert payload["type"] == "endpoint.test"
    assert payload["data"]["id"] == "dlv_test_1"
    assert "incident" not in payload["data"]


def test_a_moved_window_has_both_times_for_whoever_was_told_the_first(renderer: Renderer) -> None:
    fields = ("scheduled_for", "scheduled_until", "previous_scheduled_for", "previous_scheduled_until")
    for since, previous in ((1, ("2022-06-22T06:34:00.000Z", "2022-06-22T08:34:00.000Z")), (0, (None, None))):
        incident = body(renderer, a_moved_notice(), since=since)["data"]["incident"]
        now = ("2022-06-24T06:34:00.000Z", "2022-06-24T08:34:00.000Z")
        assert tuple(incident[name] for name in fields) == (*now, *previous)
