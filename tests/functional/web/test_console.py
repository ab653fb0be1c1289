"""The team's console: signed in by an API key, forms of one's own session only, one event however often it is sent."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, unquote_plus, urlsplit

import orjson
import pytest
from starlette.testclient import TestClient

from notifier.api.app import create_app
from notifier.bootstrap.application import Application
from notifier.demo import story
from notifier.domain.guard import GuardPolicy
from notifier.services.audit import Actor
from notifier.services.guard import Guard
from notifier.web.console.routes import console_routes

HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


@pytest.fixture
def browser(application: Application) -> Iterator[TestClient]:
    with TestClient(create_app(application, pages=[console_routes(application)]), follow_redirects=False) as client:
        yield client


def a_key(application: Application, *scopes: str) -> tuple[str, str]:
    made = application.api_keys.create("desk", scopes, Actor("tests", "here"))
    return made.id, made.plaintext


def signed_in(browser: TestClient, key: str) -> TestClient:
    answer = browser.post("/console/sign-in", data={"key": key})
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert key not in cookie
    return browser


def admin(application: Application, browser: TestClient) -> TestClient:
    return signed_in(browser, application.settings.admin_token().get_secret_value())


def hidden(page: str) -> dict[str, str]:
    return dict(HIDDEN.findall(page[page.index("<main") :]))


def a_draft(browser: TestClient, query: str = "") -> dict[str, str]:
    """The form as a person fills it in."""
    page = browser.get(f"/console/compose{query}").text
    return hidden(page) | {
        "status": "investigating",
        "impact": "major",
        "title.nl": "Storing",
        "title.en": "Outage",
        "body.nl": "We zoeken de oorzaak.",
        "body.en": "We are looking.",
        "component.storefront": "major_outage",
        "notify": "yes",
    }


def test_nobody_looks_in_without_a_key(browser: TestClient) -> None:
    for path in ("", "/incident?id=x", "/compose", "/deliveries?notification=x", "/explain"):
        answer = browser.get(f"/console{path}")
        assert answer.status_code == 401
        assert "API key" in answer.text
    browser.cookies.set("notifier_console", "v1.x.y", path="/console")
    assert browser.get("/console").status_code == 401


def test_a_wrong_key_and_one_that_may_not_read_are_refused(application: Application, browser: TestClient) -> None:
    for key in ("", "nonsense", a_key(application, "publish")[1]):
        answer = browser.post("/console/sign-in", data={"key": key})
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers


def test_one_button_tells_everybody_once_however_often_it_is_pressed(
    application: Application, browser: TestClient
) -> None:
    draft = a_draft(admin(application, browser))
    seen = browser.post("/console/preview", data=draft)
    assert "We zoeken de oorzaak." in seen.text
    ready = hidden(seen.text)
    first, second = (browser.post("/console/send", data=ready) for _ in range(2))
    assert [answer.status_code for answer in (first, second)] == [303, 303]
    assert "accepted" in first.headers["location"]
    assert "duplicate" in second.headers["location"]
    incident = parse_qs(urlsplit(first.headers["location"]).query)["id"][0]
    stored = application.history.incident(incident)
    assert [update["status"] for update in stored["updates"]] == ["investigating"]
    assert stored["components"] == [{"key": "storefront", "status": "major_outage"}]
    assert "investigating" in browser.get(first.headers["location"]).text.lower()
    assert any(item["action"] == "event.published" for item in audit_of(browser, application))


def audit_of(browser: TestClient, application: Application) -> list[dict[str, str]]:
    token = application.settings.admin_token().get_secret_value()
    found: list[dict[str, str]] = browser.get("/v1/audit", headers={"Authorization": f"Bearer {token}"}).json()["items"]
    return found


def test_an_update_begins_with_what_stands_and_keeps_when_it_began(
    application: Application, browser: TestClient
) -> None:
    application.publish(orjson.dumps(story.events()[0]))
    query = f"?incident={story.INCIDENT_ID}"
    page = admin(application, browser).get(f"/console/compose{query}").text
    assert "Verminderde performance" in page
    answer = browser.post("/console/send", data=a_draft(browser, query) | {"status": "identified"})
    assert "accepted" in answer.headers["location"]
    stored = application.history.incident(story.INCIDENT_ID)
    assert stored["status"] == "identified"
    assert stored["started_at"] == "2022-06-21T06:34:00Z"


def test_what_is_at_fault_is_named_and_what_was_typed_is_kept(application: Application, browser: TestClient) -> None:
    draft = a_draft(admin(application, browser)) | {"status": "gone", "scheduled_for": "soon"}
    answer = browser.post("/console/preview", data=draft)
    assert answer.status_code == 422
    assert "incident.scheduled_for" in answer.text
    assert "We zoeken de oorzaak." in answer.text
    assert browser.post("/console/send", data=draft | {"scheduled_for": ""}).status_code == 422
    assert application.history.incidents(limit=1) == []


def test_a_form_of_another_site_or_session_changes_nothing(application: Application, browser: TestClient) -> None:
    draft = a_draft(admin(application, browser))
    for mark in ("", "0" * 64):
        assert browser.post("/console/send", data=draft | {"mark": mark}).status_code == 403
    assert application.history.incidents(limit=1) == []


def test_a_key_opens_what_its_scopes_say_until_it_is_revoked(application: Application, browser: TestClient) -> None:
    key_id, key = a_key(application, "read")
    signed_in(browser, key)
    page = browser.get("/console")
    assert page.status_code == 200
    assert "/console/compose" not in page.text
    assert browser.get("/console/compose").status_code == 403
    mark = hidden(page.text.replace("<main", "", 1).replace("<header", "<main", 1))["mark"]
    assert browser.post("/console/replay", data={"mark": mark, "notification": "x"}).status_code == 403
    application.api_keys.revoke(key_id, Actor("tests", "here"))
    assert browser.get("/console").status_code == 401


def test_a_session_ends_by_signing_out(application: Application, browser: TestClient) -> None:
    mark = a_draft(admin(application, browser))["mark"]
    assert browser.post("/console/sign-out", data={"mark": mark}).status_code == 303
    assert browser.get("/console").status_code == 401


def test_every_page_holds_what_happened_and_no_markup_of_others(application: Application, browser: TestClient) -> None:
    event = story.events()[0]
    event["incident"]["title"]["en"] = "<script>alert(1)</script>"
    application.publish(orjson.dumps(event))
    admin(application, browser)
    notification = application.history.notifications(story.INCIDENT_ID)[0]["id"]
    for path in (
        "",
        f"/incident?id={story.INCIDENT_ID}&said=<b>x",
        f"/deliveries?notification={notification}&state=failed",
        f"/explain?incident={story.INCIDENT_ID}&subscriber=nobody",
        f"/compose?incident={story.INCIDENT_ID}",
    ):
        answer = browser.get(f"/console{path}")
        assert answer.status_code == 200
        assert "<script" not in answer.text
        assert "<b>x" not in answer.text
        assert answer.headers["cache-control"] == "no-store"
    assert browser.get("/console/incident?id=nothing").status_code == 404
    assert browser.get("/console/delivery?id=nothing").status_code == 404


def test_what_waits_for_a_person_is_let_go_or_called_off(
    application: Application, browser: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(application.__dict__, "guard", Guard(GuardPolicy(needs_announce=True)))
    key = a_key(application, "publish", "manage")[1]
    sent = signed_in(browser, key).post("/console/send", data=a_draft(browser))
    assert "waits until somebody lets it go" in unquote_plus(sent.headers["location"])
    page = browser.get("/console").text
    form = hidden(page)
    first, second = (browser.post("/console/release", data=form) for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 409)
    other = hidden(browser.get("/console").text)
    assert other["notification"] != form["notification"]
    assert browser.post("/console/cancel", data=other).status_code == 303
    assert {item["action"] for item in audit_of(browser, application)} >= {
        "notification.released",
        "notification.canceled",
    }
