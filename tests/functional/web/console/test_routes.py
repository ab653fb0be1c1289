"""The team's console: signed in by an API key, forms of one's own session only, one event however often it is sent."""

from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient

from notifier.bootstrap.api_container import ApiContainer
from notifier.demo import story
from notifier.domain.errors import UnknownRecipientError
from notifier.domain.recipients.blast_guard import BlastGuardPolicy
from notifier.services.events.blast_guard import BlastGuard
from tests.functional.api.api_client import publish
from tests.functional.web.console_client import (
    a_draft,
    a_key,
    admin,
    audit_of,
    flash_message,
    hidden,
    notices,
    signed_in,
)
from tests.functional.web.forms import add_subscriber


def test_one_button_tells_everybody_once_however_often_it_is_pressed(
    container: ApiContainer, browser: TestClient
) -> None:
    draft = a_draft(admin(container, browser))
    seen = browser.post("/console/preview", data=draft)
    assert "We zoeken de oorzaak." in seen.text
    ready = hidden(seen.text)
    first, second = (browser.post("/console/send", data=ready) for _ in range(2))
    assert [answer.status_code for answer in (first, second)] == [303, 303]
    assert flash_message(browser, first).startswith("accepted")
    assert flash_message(browser, second).startswith("duplicate")
    incident = parse_qs(urlsplit(first.headers["location"]).query)["id"][0]
    stored = container.history.incident(incident)
    assert [update["status"] for update in stored["updates"]] == ["investigating"]
    assert stored["components"] == [{"key": "storefront", "status": "major_outage"}]
    assert "investigating" in browser.get(first.headers["location"]).text.lower()
    assert any(item["action"] == "event.published" for item in audit_of(browser, container))


def test_every_page_holds_what_happened_and_no_markup_of_others(container: ApiContainer, browser: TestClient) -> None:
    event = story.events()[0]
    event["incident"]["title"]["en"] = "<script>alert(1)</script>"
    publish(container, event)
    admin(container, browser)
    notification = container.history.notifications(story.INCIDENT_ID)[0]["id"]
    for path in (
        "",
        f"/incident?id={story.INCIDENT_ID}&said=<b>x",
        f"/incident?id={story.INCIDENT_ID}&said=Call+0900",
        f"/deliveries?notification={notification}&state=failed",
        f"/explain?incident={story.INCIDENT_ID}&subscriber=nobody",
        f"/compose?incident={story.INCIDENT_ID}",
    ):
        answer = browser.get(f"/console{path}")
        assert answer.status_code == 200
        assert "<script" not in answer.text
        assert "<b>x" not in answer.text
        assert "Call 0900" not in answer.text
        assert answer.headers["cache-control"] == "no-store"
    assert browser.get("/console/incident?id=nothing").status_code == 404
    assert browser.get("/console/delivery?id=nothing").status_code == 404


def test_somebody_is_explained_by_their_address_which_stands_in_no_url(
    container: ApiContainer, browser: TestClient
) -> None:
    add_subscriber(container, "shop-1", "owner@shop.example", locale="en")
    publish(container, story.events()[0])
    for scopes, shown in ((("read",), "o***@s***.example"), (("read", "manage"), "owner@shop.example")):
        signed_in(browser, a_key(container, *scopes)[1])
        page = browser.get(f"/console/incident?id={story.INCIDENT_ID}").text
        form = page[page.index("Why was someone") :]
        assert '<form method="post" action="/console/explain"' in form
        asked = {"mark": hidden(page)["mark"], "incident": story.INCIDENT_ID, "subscriber": "owner@shop.example"}
        answer = browser.post("/console/explain", data=asked)
        assert answer.status_code == 200
        assert f"<bdi>{shown}</bdi>" in answer.text
        assert "?subscriber" not in answer.text
        assert browser.post("/console/explain", data=asked | {"subscriber": "shop\0-1"}).text.count(shown) == 1
        refused = browser.post("/console/explain", data=asked | {"subscriber": "nobody@shop.example"})
        assert notices(refused.text) == [str(UnknownRecipientError())]


def test_what_waits_for_a_person_is_let_go_or_called_off(
    container: ApiContainer, browser: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(container.__dict__, "guard", BlastGuard(BlastGuardPolicy(needs_announce=True)))
    key = a_key(container, "publish", "manage")[1]
    sent = signed_in(browser, key).post("/console/send", data=a_draft(browser))
    assert "Held for approval" in flash_message(browser, sent)
    page = browser.get("/console").text
    form = hidden(page)
    first, second = (browser.post("/console/release", data=form) for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 409)
    other = hidden(browser.get("/console").text)
    assert other["notification"] != form["notification"]
    assert browser.post("/console/cancel", data=other).status_code == 303
    assert {item["action"] for item in audit_of(browser, container)} >= {
        "notification.released",
        "notification.canceled",
    }
