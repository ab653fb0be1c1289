"""Signing in to the console by an API key, and the session it opens."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from notifier.api.app import create_app
from notifier.bootstrap.api_container import ApiContainer
from notifier.services.security.audit import Actor
from notifier.services.security.console_sessions import SignInRefusedError
from notifier.storage.database.engine import Database
from notifier.web.console.routes import console_routes
from tests.functional.api.api_client import ADMIN, container_on
from tests.functional.web.console_client import a_draft, a_key, admin, audit_of, hidden, signed_in


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
    container.metrics_buffer.flush()
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
