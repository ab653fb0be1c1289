"""The team's console: signed in by an API key, forms of one's own session only, one event however often it is sent."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient

from notifier.api.app import create_app
from notifier.bootstrap.api_container import ApiContainer
from notifier.demo import story
from notifier.domain.errors import UnknownRecipientError
from notifier.domain.recipients.blast_guard import BlastGuardPolicy
from notifier.services.events.blast_guard import BlastGuard
from notifier.services.security.audit import Actor
from notifier.services.security.console_sessions import SignInRefusedError
from notifier.storage.database.engine import Database
from notifier.web.console.routes import console_routes
from tests.functional.api.api_client import ADMIN, container_on, publish
from tests.functional.web.console_client import a_draft, a_key, admin, audit_of, hidden, notices, said, signed_in
from tests.functional.web.forms import add_subscriber


@pytest.fixture
def browser(container: ApiContainer) -> Iterator[TestClient]:
    with TestClient(create_app(container, pages=[console_routes(container)]), follow_redirects=False) as client:
        yield client


def test_nobody_looks_in_without_a_key(browser: TestClient) -> None:
    for path in ("", "/incident?id=x", "/compose", "/deliveries?notification=x", "/explain"):
        answer = browser.get(f"/console{path}")
        assert answer.status_code == 401
        assert "API key" in answer.text
    browser.cookies.set("notifier_console", "v1.x.y", path="/console")
    assert browser.get("/console").status_code == 401


def test_the_form_to_sign_in_has_an_address_of_its_own(browser: TestClient) -> None:
    answer = browser.get("/console/sign-in")
    assert answer.status_code == 200
    assert 'action="/console/sign-in"' in answer.text


def test_a_wrong_key_and_one_that_may_not_read_are_refused(container: ApiContainer, browser: TestClient) -> None:
    for key in ("", "nonsense", a_key(container, "publish")[1]):
        answer = browser.post("/console/sign-in", data={"key": key})
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers


def test_one_button_tells_everybody_once_however_often_it_is_pressed(
    container: ApiContainer, browser: TestClient
) -> None:
    draft = a_draft(admin(container, browser))
    seen = browser.post("/console/preview", data=draft)
    assert "We zoeken de oorzaak." in seen.text
    ready = hidden(seen.text)
    first, second = (browser.post("/console/send", data=ready) for _ in range(2))
    assert [answer.status_code for answer in (first, second)] == [303, 303]
    assert said(browser, first).startswith("accepted")
    assert said(browser, second).startswith("duplicate")
    incident = parse_qs(urlsplit(first.headers["location"]).query)["id"][0]
    stored = container.history.incident(incident)
    assert [update["status"] for update in stored["updates"]] == ["investigating"]
    assert stored["components"] == [{"key": "storefront", "status": "major_outage"}]
    assert "investigating" in browser.get(first.headers["location"]).text.lower()
    assert any(item["action"] == "event.published" for item in audit_of(browser, container))


def test_an_update_begins_with_what_stands_and_keeps_when_it_began(
    container: ApiContainer, browser: TestClient
) -> None:
    publish(container, story.events()[0])
    query = f"?incident={story.INCIDENT_ID}"
    page = admin(container, browser).get(f"/console/compose{query}").text
    assert "Verminderde performance" in page
    answer = browser.post("/console/send", data=a_draft(browser, query) | {"status": "identified"})
    assert said(browser, answer).startswith("accepted")
    stored = container.history.incident(story.INCIDENT_ID)
    assert stored["status"] == "identified"
    assert stored["started_at"] == "2022-06-21T06:34:00Z"


def parts_after(browser: TestClient, container: ApiContainer, form: dict[str, str]) -> dict[str, str]:
    """Send a form by way of its preview, and return the components as they then stand."""
    sent = browser.post("/console/send", data=hidden(browser.post("/console/preview", data=form).text))
    (incident_id,) = parse_qs(urlsplit(sent.headers["location"]).query)["id"]
    return {part["key"]: part["status"] for part in container.history.incident(incident_id)["components"]}


def test_the_end_sets_components_to_operational_unless_another_state_is_chosen_with_it(
    container: ApiContainer, browser: TestClient
) -> None:
    admin(container, browser)
    began = a_draft(browser) | {"component.checkout": "partial_outage", "component.api": "major_outage"}
    incident = began["incident_id"]
    assert parts_after(browser, container, began) == {
        "storefront": "major_outage",
        "checkout": "partial_outage",
        "api": "major_outage",
    }
    page = browser.get(f"/console/compose?incident={incident}").text
    stands = {"component.storefront": "major_outage", "component.checkout": "partial_outage"}
    end = hidden(page) | stands | {"title.en": "Outage", "body.en": "Solved.", "impact": "major", "notify": "yes"}
    end |= {"status": "resolved", "component.api": "degraded_performance"}
    read = browser.post("/console/preview", data=end).text
    assert "Partial outage" not in read
    again = browser.post("/console/preview", data=hidden(read) | {"step": "change"}).text
    assert "was.storefront" not in again  # what stands in the form now was chosen for this very update
    assert parts_after(browser, container, end) == {
        "storefront": "operational",
        "checkout": "operational",
        "api": "degraded_performance",
    }


def test_planned_work_is_refused_without_its_window_whatever_impact_was_chosen(
    container: ApiContainer, browser: TestClient
) -> None:
    admin(container, browser)
    form = a_draft(browser) | {"status": "scheduled", "impact": "minor"}
    refused = browser.post("/console/preview", data=form)
    assert refused.status_code == 422
    assert "incident.scheduled_for" in refused.text
    assert "incident.scheduled_until" in refused.text
    window = {"scheduled_for": "2030-03-08T03:00", "scheduled_until": "2030-03-08T05:00"}
    read = browser.post("/console/preview", data=form | window).text
    assert "8 March 2030 03:00" in read
    assert "Since" not in read
    assert "Minor impact" not in read
    browser.post("/console/send", data=hidden(read))
    later = {"scheduled_for": "2030-03-10T03:00", "scheduled_until": "2030-03-10T05:00"}
    update = a_draft(browser, f"?incident={form['incident_id']}") | {"status": "scheduled"} | later
    read = browser.post("/console/preview", data=update).text
    assert "Maintenance moved" in read
    assert "8 March 2030 03:00" in read
    assert "10 March 2030 03:00" in read


def test_what_is_at_fault_is_named_and_what_was_typed_is_kept(container: ApiContainer, browser: TestClient) -> None:
    draft = a_draft(admin(container, browser)) | {"status": "gone", "scheduled_for": "soon"}
    answer = browser.post("/console/preview", data=draft)
    assert answer.status_code == 422
    assert "incident.scheduled_for" in answer.text
    assert "We zoeken de oorzaak." in answer.text
    assert browser.post("/console/send", data=draft | {"scheduled_for": ""}).status_code == 422
    assert container.history.incidents(limit=1) == []


def test_a_form_of_another_site_or_session_changes_nothing(container: ApiContainer, browser: TestClient) -> None:
    draft = a_draft(admin(container, browser))
    for mark in ("", "0" * 64):
        assert browser.post("/console/send", data=draft | {"mark": mark}).status_code == 403
    assert container.history.incidents(limit=1) == []


def test_a_key_opens_what_its_scopes_say_until_it_is_revoked(container: ApiContainer, browser: TestClient) -> None:
    key_id, key = a_key(container, "read")
    signed_in(browser, key)
    page = browser.get("/console")
    assert page.status_code == 200
    assert "/console/compose" not in page.text
    assert browser.get("/console/compose").status_code == 403
    mark = hidden(page.text.replace("<main", "", 1).replace("<header", "<main", 1))["mark"]
    assert browser.post("/console/replay", data={"mark": mark, "notification": "x"}).status_code == 403
    container.api_keys.revoke(key_id, Actor("tests", "here"))
    assert browser.get("/console").status_code == 401


def test_signing_out_ends_the_session_whoever_kept_its_cookie(container: ApiContainer, browser: TestClient) -> None:
    mark = a_draft(admin(container, browser))["mark"]
    kept = browser.cookies["notifier_console"]
    assert browser.post("/console/sign-out", data={"mark": mark}).status_code == 303
    browser.cookies.set("notifier_console", kept, path="/console")
    assert browser.get("/console").status_code == 401


def test_another_site_signs_nobody_in(container: ApiContainer, browser: TestClient) -> None:
    form = {"key": container.settings.admin_token().get_secret_value()}
    for site, status in {"cross-site": 403, "same-site": 403, "same-origin": 303}.items():
        answer = browser.post("/console/sign-in", data=form, headers={"Sec-Fetch-Site": site})
        assert answer.status_code == status
        assert ("set-cookie" in answer.headers) == (status == 303)


def test_wrong_keys_make_their_network_pause_and_everything_is_noted(
    container: ApiContainer, browser: TestClient
) -> None:
    signed_in(browser, a_key(container, "read")[1])
    answers = [browser.post("/console/sign-in", data={"key": f"wrong-{number}"}) for number in range(13)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 3
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60
    assert "Try again in" in answers[-1].text
    assert browser.get("/console").status_code == 200
    entries = [entry for entry in audit_of(browser, container) if entry["action"].startswith("console.")]
    assert [entry["action"] for entry in entries] == ["console.sign_in_refused"] * 13 + ["console.signed_in"]
    assert not any("wrong-" in str(entry) for entry in entries)
    container.metering.flush()
    counted = [line for line in browser.get("/metrics").text.splitlines() if "keys_refused_total{" in line]
    assert sorted(counted) == [
        'notifier_keys_refused_total{cause="paused",way="console"} 2.0',
        'notifier_keys_refused_total{cause="unknown",way="console"} 11.0',
    ]


def test_refused_sign_ins_cannot_fill_the_ledger(container: ApiContainer) -> None:
    for number in range(63):
        with pytest.raises(SignInRefusedError):
            container.console_sessions.begin("wrong", f"192.0.{number}.1")
    assert len(container.audit.entries(limit=100)) == 60  # an hour's share


@pytest.mark.parametrize(
    ("public_url", "name", "path"),
    [
        ("https://status.example", "__Host-notifier_console", "/"),
        ("https://example.com/status", "__Secure-notifier_console", "/console"),
        ("http://127.0.0.1:8025", "notifier_console", "/console"),
    ],
)
def test_the_cookie_is_as_strict_as_the_public_address_allows(
    sqlite_database: Database, tmp_path: Path, public_url: str, name: str, path: str
) -> None:
    built = container_on(sqlite_database, tmp_path, NOTIFIER_PUBLIC_URL=public_url)
    scheme = public_url.partition(":")[0]
    app = create_app(built, pages=[console_routes(built)])
    with TestClient(app, base_url=f"{scheme}://testserver", follow_redirects=False) as client:
        cookie = client.post("/console/sign-in", data={"key": ADMIN}).headers["set-cookie"]
        assert cookie.startswith(f"{name}=")
        assert f"Path={path};" in cookie
        assert ("Secure" in cookie.split("; ")) == (scheme == "https")
        assert client.get("/console").status_code == 200
        strict = [client.get(path).headers.get("strict-transport-security") for path in ("/console", "/healthz", "/no")]
        assert strict == ["max-age=31536000" if scheme == "https" else None] * 3
    built.close()


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
    assert "Held for approval" in said(browser, sent)
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
