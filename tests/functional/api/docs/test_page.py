import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest
from starlette.testclient import TestClient

from notifier.api.app import create_app
from notifier.domain.incidents.incident import Incident
from notifier.domain.incidents.notice import Notice, NoticeUpdate
from notifier.domain.values import Channel, Impact, Status, WebhookFormat
from notifier.services.security.audit import Actor
from notifier.storage.database.engine import Database
from tests.functional.api.api_client import Api, Json, container_on

OPEN = {"Authorization": ""}


class Page(HTMLParser):
    """What a page links to and loads, and whether its tags close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.add(tag)
        self.ids += [found["id"] or ""] if "id" in found else []
        self.links += [found[name] or "" for name in ("href", "src") if name in found]
        self.inline += [name for name in found if name == "style" or name.startswith("on")]


@pytest.fixture
def page(api: Api) -> Page:
    answer = api.get("/docs", headers=OPEN)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return Page(answer.text)


def test_the_page_shows_every_call(api: Api) -> None:
    text = api.get("/docs").text
    for path, item in api.document["paths"].items():
        assert f"<code>{path}</code>" in text
        for operation in item.values():
            assert operation["summary"] in text


def test_the_page_needs_nothing_from_elsewhere_and_no_script(api: Api, page: Page) -> None:
    policy = api.get("/docs").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self';")
    assert "unsafe" not in policy
    assert not page.tags & {"script", "style", "img", "iframe"}
    assert page.inline == []
    own = [link for link in page.links if not link.startswith(("#", "/"))]
    assert own == []


def test_every_link_of_the_page_leads_somewhere(api: Api, page: Page) -> None:
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    for link in {link for link in page.links if link.startswith("/")}:
        assert api.get(link, headers=OPEN).status_code == 200


def test_the_style_sheet_loads_nothing(api: Api) -> None:
    answer = api.get("/docs/style.css")
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert not re.search(r"url\(|@import", answer.text)


def references(part: object) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*(references(value) for value in part.values()))
    return set().union(*map(references, part)) if isinstance(part, list) else set()


def test_the_document_refers_only_to_what_it_holds(api: Api) -> None:
    document = api.get("/openapi.json").json()
    for reference in references(document):
        found = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        assert found


def test_every_call_says_what_it_answers_and_who_may_call(api: Api) -> None:
    for path, item in api.document["paths"].items():
        for method, operation in item.items():
            name = f"{method} {path}"
            assert operation["description"], name
            assert any(status.startswith("2") for status in operation["responses"]), name
            if path == "/v1/sign-ups":  # open to anybody, and says so
                assert operation["security"] == [], name
                assert {"415", "422", "429", "503"} <= operation["responses"].keys(), name
            elif path.startswith("/v1/"):
                assert operation["security"], name
                assert {"401", "403", "503"} <= operation["responses"].keys(), name


def examples(document: Json) -> list[tuple[str, Json, object]]:
    return [
        (path, content["schema"], content["example"])
        for path, item in document["paths"].items()
        for operation in item.values()
        for media, content in operation.get("requestBody", {}).get("content", {}).items()
        if "json" in media and "ndjson" not in media and "example" in content
    ]


def test_every_example_fits_its_schema(api: Api) -> None:
    found = examples(api.document)
    assert len(found) >= 8
    for path, schema, example in found:
        whole = schema | {"components": api.document["components"]}
        assert not list(jsonschema.Draft202012Validator(whole).iter_errors(example)), path


def test_the_webhooks_that_partners_receive_are_described(api: Api) -> None:
    webhooks = api.document["webhooks"]
    assert webhooks.keys() >= {"incident.created", "incident.resolved", "maintenance.scheduled", "endpoint.test"}
    headers = {parameter["name"] for parameter in webhooks["incident.created"]["post"]["parameters"]}
    assert headers == {"webhook-id", "webhook-timestamp", "webhook-signature"}


def test_what_partners_receive_has_the_documented_form(api: Api) -> None:
    now = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)
    notice = Notice(
        id="ntf_1",
        channel=Channel.WEBHOOK,
        sequence=1,
        incident=Incident(id="inc-1", title={"en": "Slow"}, impact=Impact.MINOR, started_at=now),
        updates=(
            NoticeUpdate(
                id="upd-1",
                status=Status.INVESTIGATING,
                impact=Impact.MINOR,
                body={"en": "x"},
                posted_at=now,
                sequence=1,
            ),
        ),
        opens=True,
        closes=False,
        created_at=now,
    )
    renderer = api.container.renderer
    sent = {
        "incident.created": renderer.webhook_body(notice, WebhookFormat.STANDARD, 0),
        "endpoint.test": renderer.webhook_test_body(WebhookFormat.STANDARD, "tst_1", now),
    }
    for name, body in sent.items():
        media = api.document["webhooks"][name]["post"]["requestBody"]["content"]["application/json"]
        whole = media["schema"] | {"components": api.document["components"]}
        jsonschema.Draft202012Validator(whole).validate(json.loads(body))


def test_metrics_and_docs_ask_for_a_key_where_the_deployment_says_so(sqlite_database: Database, tmp_path: Path) -> None:
    built = container_on(sqlite_database, tmp_path, NOTIFIER_METRICS_AND_DOCS="key")
    key = built.api_keys.create("prometheus", ["read"], Actor("tests", "here")).plaintext
    with TestClient(create_app(built)) as client:
        for path in ("/metrics", "/docs", "/docs/style.css", "/openapi.json"):
            refused = client.get(path)
            assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json")
            assert client.get(path, headers={"Authorization": f"Bearer {key}"}).status_code == 200
        assert client.get("/healthz").status_code == 200
    built.close()
