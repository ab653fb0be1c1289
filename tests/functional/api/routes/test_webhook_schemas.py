"""The published JSON Schemas say what leaves the system, in every format."""

import json
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest

from notifier.domain.values import Status, WebhookFormat
from tests.functional.api.api_client import Api
from tests.unit.rendering.samples import MAINTENANCE, a_notice, a_renderer, an_update

NOON = datetime(2026, 8, 1, 10, 0, tzinfo=UTC)
OPEN = {"Authorization": ""}
NOTICES = [
    a_notice(an_update(1)),
    a_notice(an_update(1), an_update(2, status=Status.MONITORING), an_update(3, status=Status.RESOLVED)),
    a_notice(an_update(1), an_update(2, status=Status.RESOLVED), an_update(3, status=Status.POSTMORTEM)),
    a_notice(an_update(1, status=Status.SCHEDULED), incident=MAINTENANCE),
]


def schema_of(api: Api, form: WebhookFormat) -> Any:
    answer = api.get(f"/schemas/{form.value}.json", headers=OPEN)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/schema+json"
    jsonschema.Draft202012Validator.check_schema(answer.json())
    return answer.json()


def test_every_format_has_a_schema_that_anybody_may_read(api: Api) -> None:
    listed = api.get("/schemas/", headers=OPEN).json()["schemas"]
    assert [item["format"] for item in listed] == [form.value for form in WebhookFormat]
    for item in listed:
        assert schema_of(api, WebhookFormat(item["format"]))["$id"] == item["url"]
    assert api.get("/schemas/xml.json", headers=OPEN).status_code == 404


@pytest.mark.parametrize("form", list(WebhookFormat))
def test_what_is_sent_is_what_the_schema_says(api: Api, form: WebhookFormat) -> None:
    check = jsonschema.Draft202012Validator(schema_of(api, form))
    words = a_renderer()
    for notice in NOTICES:
        check.validate(json.loads(words.webhook_body(notice, form, 0)))
    check.validate(json.loads(words.webhook_test_body(form, "tst_1", NOON)))


@pytest.mark.parametrize(
    ("form", "path"),
    [
        (WebhookFormat.STANDARD, ("data", "sequence")),
        (WebhookFormat.STANDARD, ("data", "is_replay")),
        (WebhookFormat.CLOUDEVENTS, ("specversion",)),
        (WebhookFormat.CLOUDEVENTS, ("data", "incident")),
        (WebhookFormat.STATUSPAGE, ("incident", "incident_updates")),
        (WebhookFormat.STATUSPAGE, ("page", "status_indicator")),
    ],
)
def test_the_schema_misses_what_is_missing(api: Api, form: WebhookFormat, path: tuple[str, ...]) -> None:
    body = json.loads(a_renderer().webhook_body(NOTICES[0], form, 0))
    within = body
    for name in path[:-1]:
        within = within[name]
    del within[path[-1]]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(body, schema_of(api, form))


def test_the_openapi_document_names_every_format_of_every_webhook(api: Api) -> None:
    webhooks = api.document["webhooks"]
    assert len(webhooks) == 10
    content = webhooks["incident.created"]["post"]["requestBody"]["content"]
    assert set(content) == {"application/json", "application/cloudevents+json"}
    named = {item["$ref"].rsplit("/", 1)[1] for item in content["application/json"]["schema"]["anyOf"]}
    assert named == {"OutgoingMessage", "StatuspageMessage"}
    assert named | {"CloudEvent", "OutgoingTest"} <= set(api.document["components"]["schemas"])
