"""The pages a reader sees: the incident, and one click to unsubscribe (RFC 8058)."""

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from starlette.testclient import TestClient

from notifier.api.app import create_app
from notifier.bootstrap.application import Application
from notifier.demo import story
from notifier.services.audit import Actor
from notifier.storage.engine import Database
from notifier.web.pages import page_routes
from tests.databases import *  # noqa: F403
from tests.functional.api.house import application_on

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def application(sqlite_database: Database, tmp_path: Path) -> Iterator[Application]:
    built = application_on(sqlite_database, tmp_path)
    yield built
    built.close()


@pytest.fixture
def reader(application: Application) -> Iterator[TestClient]:
    with TestClient(create_app(application, pages=[page_routes(application)]), follow_redirects=False) as client:
        yield client


def a_subscriber(application: Application, name: str, email: str = "owner@example.com", locale: str = "nl") -> str:
    """Add a subscriber and return the token of their mails' unsubscribe link."""
    body = orjson.dumps({"external_id": name, "kind": "merchant", "email": email, "locale": locale})
    application.subscribers.create(body, Actor("tests", "here"))
    with application.database.read() as connection:
        statement = "SELECT id FROM subscriber ORDER BY id DESC LIMIT 1"
        number = connection.exec_driver_sql(statement).scalar_one()
    return application.tokens.unsubscribe(int(number), 1)


def state(application: Application, name: str) -> str:
    found: str = application.subscribers.get(name)["state"]
    return found


def test_opening_the_link_changes_nothing(application: Application, reader: TestClient) -> None:
    token = a_subscriber(application, "shop-1")
    answer = reader.get(f"/unsubscribe/{token}")
    assert answer.status_code == 200
    assert "Ja, meld mij af" in answer.text
    assert 'lang="nl"' in answer.text
    assert state(application, "shop-1") == "active"


@pytest.mark.parametrize("form", ["urlencoded", "multipart", "empty", "junk"])
def test_one_post_unsubscribes_at_once_without_cookie_or_redirect(
    application: Application, reader: TestClient, form: str
) -> None:
    path = f"/unsubscribe/{a_subscriber(application, 'shop-1')}"
    if form == "urlencoded":
        answer = reader.post(path, data=ONE_CLICK)
    elif form == "multipart":
        answer = reader.post(path, files={name: (None, value) for name, value in ONE_CLICK.items()})
    else:
        answer = reader.post(path, content=b"" if form == "empty" else b"\xff\x00{", headers={"content-type": "x/y"})
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert state(application, "shop-1") == "unsubscribed"
    assert reader.post(path, data=ONE_CLICK).status_code == 200


def test_head_and_options_are_answered_and_change_nothing(application: Application, reader: TestClient) -> None:
    path = f"/unsubscribe/{a_subscriber(application, 'shop-1')}"
    assert reader.head(path).status_code == 200
    assert "POST" in reader.options(path).headers["allow"]
    assert state(application, "shop-1") == "active"


def test_it_acts_on_the_address_not_on_one_subscription(application: Application, reader: TestClient) -> None:
    token = a_subscriber(application, "shop-1")
    a_subscriber(application, "shop-2", email="Owner@Example.com")
    a_subscriber(application, "shop-3", email="other@example.com")
    reader.post(f"/unsubscribe/{token}", data=ONE_CLICK)
    assert [state(application, f"shop-{number}") for number in (1, 2, 3)] == ["unsubscribed", "unsubscribed", "active"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_link_that_is_not_ours_opens_nothing(application: Application, reader: TestClient, method: str) -> None:
    token = a_subscriber(application, "shop-1")
    tampered = token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
    foreign = application.tokens.preferences(1)
    for wrong in (tampered, foreign, "x", "%00", "a" * 600):
        assert reader.request(method, f"/unsubscribe/{wrong}").status_code == 404
    assert state(application, "shop-1") == "active"


@pytest.mark.parametrize(
    ("locale", "word"), [("nl", "Opgelost"), ("en", "Resolved"), ("de", "Behoben"), ("fr", "Résolu")]
)
def test_the_incident_is_shown_in_the_language_asked_for(
    application: Application, reader: TestClient, locale: str, word: str
) -> None:
    for event in story.events()[:5]:
        application.publish(orjson.dumps(event))
    answer = reader.get(f"/{locale}/incidents/{story.INCIDENT_ID}")
    assert answer.status_code == 200
    assert word in answer.text
    assert f'lang="{locale}"' in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_what_is_not_public_is_not_shown(application: Application, reader: TestClient) -> None:
    hidden = story.events()[0] | {"notify": False}
    application.publish(orjson.dumps(hidden))
    assert reader.get(f"/en/incidents/{story.INCIDENT_ID}").status_code == 404
    assert reader.get("/xx/incidents/nothing").status_code == 404


def test_texts_of_an_incident_cannot_bring_markup_in(application: Application, reader: TestClient) -> None:
    event = story.events()[0]
    event["incident"]["title"]["en"] = "<script>alert(1)</script>"
    event["update"]["body"]["en"] = "<img src=x onerror=alert(1)> [x](javascript:alert(1))"
    application.publish(orjson.dumps(event))
    page = reader.get(f"/en/incidents/{story.INCIDENT_ID}").text
    assert "<script" not in page
    assert "<img" not in page
    assert 'href="javascript' not in page


def a_preferences_link(application: Application, name: str) -> str:
    a_subscriber(application, name)
    with application.database.read() as connection:
        statement = "SELECT id FROM subscriber ORDER BY id DESC LIMIT 1"
        number = connection.exec_driver_sql(statement).scalar_one()
    return f"/preferences/{application.tokens.preferences(int(number))}"


def test_preferences_are_shown_and_saved_without_script_or_cookie(application: Application, reader: TestClient) -> None:
    path = a_preferences_link(application, "shop-1")
    assert "Uw voorkeuren" in reader.get(path).text
    form = {"components": ["api", "checkout"], "min_impact": "major", "updates": "milestones"}
    saved = reader.post(path, data=form)
    assert saved.status_code == 200
    assert "Uw voorkeuren zijn opgeslagen." in saved.text
    assert "set-cookie" not in saved.headers
    chosen = application.subscribers.get("shop-1")["preferences"]
    assert (chosen["components"], chosen["min_impact"], chosen["updates"]) == (
        ["api", "checkout"],
        "major",
        "milestones",
    )
    assert chosen["maintenance"] is False


def test_a_form_with_what_is_not_offered_is_refused_and_changes_nothing(
    application: Application, reader: TestClient
) -> None:
    path = a_preferences_link(application, "shop-1")
    before = application.subscribers.get("shop-1")
    assert reader.post(path, data={"components": "nonsense"}).status_code == 422
    assert reader.post(path, data={"min_impact": "terrible"}).status_code == 422
    assert application.subscribers.get("shop-1") == before


def test_an_unsubscribe_link_opens_no_preferences(application: Application, reader: TestClient) -> None:
    token = a_subscriber(application, "shop-1")
    assert reader.get(f"/preferences/{token}").status_code == 404
