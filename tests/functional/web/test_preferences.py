"""The preferences page: everything a reader may choose, change of address, their data, erasure."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from notifier.bootstrap.application import Application
from notifier.domain.recipients.subscriber import QuietHours, SuppressionReason
from notifier.services.security.audit import Actor
from notifier.services.security.signed_tokens import Purpose, Tokens
from notifier.storage import tables as t
from tests.functional.web.house import Forms, add_subscriber, send, state

HERE = Actor("tests", "here")


@pytest.fixture
def number(application: Application) -> int:
    return add_subscriber(application, "shop-1")


@pytest.fixture
def path(application: Application, number: int) -> str:
    return application.self_service.path(number)


def chosen(application: Application) -> dict[str, Any]:
    found: dict[str, Any] = application.subscribers.get("shop-1")
    return found


def test_every_preference_is_shown_by_name_and_saved(application: Application, reader: TestClient, path: str) -> None:
    page = reader.get(path)
    for word in ("Uw voorkeuren", "Beheeromgeving", "Kassa", "Stille uren", "Tijdzone", "Amsterdam"):
        assert word in page.text
    changes = {
        "components": ["api", "checkout"],
        "min_impact": "major",
        "updates": "milestones",
        "maintenance": None,
        "quiet_from": "22:00",
        "quiet_to": "07:30",
        "max_per_hour": "3",
        "name": "Bloemenhuis",
        "locale": "de",
        "timezone": "Asia/Tokyo",
    }
    saved = send(reader, page, path, **changes)
    assert (saved.status_code, "set-cookie" in saved.headers) == (200, False)
    assert "Ihre Einstellungen sind gespeichert." in saved.text
    found = chosen(application)
    assert (found["name"], found["locale"], found["timezone"]) == ("Bloemenhuis", "de", "Asia/Tokyo")
    assert found["preferences"] == {
        "channels": ["email"],
        "components": ["api", "checkout"],
        "min_impact": "major",
        "updates": "milestones",
        "maintenance": False,
        "quiet_hours": {"from": "22:00", "to": "07:30"},
        "max_per_hour": 3,
    }
    again = send(reader, reader.get(path), path, quiet_from="", quiet_to="", max_per_hour="")
    assert again.status_code == 200
    assert (chosen(application)["preferences"]["quiet_hours"], chosen(application)["preferences"]["max_per_hour"]) == (
        None,
        None,
    )


def test_saving_what_is_shown_changes_nothing(application: Application, reader: TestClient, path: str) -> None:
    application.subscribers.patch(
        "shop-1",
        {"preferences": {"components": frozenset({"pos"}), "quiet_hours": QuietHours.parse("23:00", "06:00")}},
        HERE,
    )
    before = chosen(application)
    assert send(reader, reader.get(path), path).status_code == 200
    assert chosen(application) | {"updated_at": ""} == before | {"updated_at": ""}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("components", "nonsense"),
        ("min_impact", "terrible"),
        ("updates", "sometimes"),
        ("quiet_from", "25:00"),
        ("quiet_to", ""),
        ("max_per_hour", "-1"),
        ("max_per_hour", "9" * 40),
        ("timezone", "Mars/Base"),
        ("locale", "xx"),
        ("name", "x" * 300),
        ("channels", "telepathy"),
    ],
)
def test_what_is_not_offered_is_refused_marked_and_changes_nothing(
    application: Application, reader: TestClient, path: str, field: str, value: str
) -> None:
    before = chosen(application)
    page = send(reader, reader.get(path), path, **{"quiet_from": "22:00", "quiet_to": "07:00", field: value})
    assert page.status_code == 422
    assert 'class="error"' in page.text
    assert 'role="alert"' in page.text
    assert chosen(application) == before


def test_a_form_of_another_page_reader_or_day_changes_nothing(
    application: Application, reader: TestClient, path: str, number: int
) -> None:
    before = chosen(application)
    other = application.self_service.path(add_subscriber(application, "shop-2", "b@example.com"))
    foreign = send(reader, reader.get(path), path, form=_form_token(reader, other))
    made_up = reader.post(path, data={"components": "api"})
    crossed = reader.post(path, data={"form": _form_token(reader, path)}, headers={"sec-fetch-site": "cross-site"})
    junk = reader.post(path, content=b"\xff\x00&&==", headers={"content-type": "multipart/form-data"})
    many = reader.post(path, content=b"&".join([b"a=1"] * 1000))
    assert {answer.status_code for answer in (foreign, made_up, crossed, junk, many)} == {403}
    assert chosen(application) == before


def _form_token(reader: TestClient, path: str) -> str:
    return Forms(reader.get(path).text).forms[path]["form"][0]


def test_links_of_another_kind_and_old_ones_open_nothing(
    application: Application, reader: TestClient, path: str, number: int
) -> None:
    old = application.tokens.sign(Purpose.PREFERENCES, number, expires_at=application.clock() - timedelta(days=1))
    assert reader.get(f"/preferences/{old}").status_code == 410
    for wrong in (application.tokens.unsubscribe(number, 1), path.rpartition("/")[2][:-3] + "abc", "x", "a" * 600):
        for further in ("", "/data", "/erase"):
            assert reader.get(f"/preferences/{wrong}{further}").status_code == 404
        assert reader.post(f"/preferences/{wrong}/erase").status_code == 404
    assert state(application, "shop-1") == "active"


def test_a_link_whose_key_is_no_longer_first_still_opens_until_it_is_taken_out(
    application: Application, reader: TestClient, number: int
) -> None:
    key = application.addresses.of("owner@example.com")
    newer = Tokens(("a newer key", *application.secret_keys), application.clock)
    old = application.tokens.preferences(number, key)
    assert newer.read(Purpose.PREFERENCES, old, application.clock()).subject == number
    assert newer.preferences(number, key) != old
    assert reader.get(f"/preferences/{newer.preferences(number, key)}").status_code == 404


def test_who_moved_leaves_no_key_behind_at_the_old_address(
    application: Application, reader: TestClient, path: str
) -> None:
    application.subscribers.patch("shop-1", {"email": "new@example.com"}, HERE)
    assert reader.get(path).status_code == 410
    assert reader.post(f"{path}/erase").status_code == 410
    assert state(application, "shop-1") == "active"


def test_the_page_unsubscribes_and_takes_it_back(application: Application, reader: TestClient, path: str) -> None:
    stopped = send(reader, reader.get(path), f"{path}/unsubscribe")
    assert "U bent afgemeld" in stopped.text
    assert state(application, "shop-1") == "unsubscribed"
    back = send(reader, stopped, f"{path}/resubscribe")
    assert "U krijgt weer berichten." in back.text
    assert state(application, "shop-1") == "active"


def test_a_new_address_counts_when_it_is_confirmed_there(
    application: Application, reader: TestClient, path: str, number: int
) -> None:
    refused = send(reader, reader.get(path), f"{path}/address", new_email="nobody")
    assert (refused.status_code, 'value="nobody"' in refused.text) == (422, True)
    assert send(reader, reader.get(path), f"{path}/address", new_email="new@example.com").status_code == 200
    with application.database.read() as connection:
        (letter,) = connection.execute(select(t.letter)).all()
    token = application.tokens.sign(Purpose.ADDRESS_CHANGE, number, letter.address_key, expires_at=letter.expires_at)
    assert chosen(application)["email"] == "owner@example.com"
    page = reader.get(f"/address/{token}")
    assert chosen(application)["email"] == "owner@example.com"
    assert "new@example.com" in send(reader, page, f"/address/{token}").text
    assert chosen(application)["email"] == "new@example.com"
    assert reader.get(f"/address/{path.rpartition('/')[2]}").status_code == 404


def test_everything_known_is_handed_over_as_a_file(application: Application, reader: TestClient, path: str) -> None:
    add_subscriber(application, "shop-2")
    add_subscriber(application, "stranger", "other@example.com")
    answer = reader.get(f"{path}/data")
    assert answer.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    told = answer.json()
    assert {item["external_id"] for item in told["subscriptions"]} == {"shop-1", "shop-2"}
    assert {item["action"] for item in told["changes"]} == {"subscriber.created"}
    assert "other@example.com" not in answer.text


def test_erasure_asks_first_and_then_leaves_nothing_but_the_wish(
    application: Application, reader: TestClient, path: str, number: int
) -> None:
    add_subscriber(application, "shop-2")
    page = reader.get(f"{path}/erase")
    assert state(application, "shop-1") == "active"
    assert "Uw gegevens zijn gewist" in send(reader, page, f"{path}/erase").text
    assert application.subscribers.list(limit=5) == ([], None)
    assert reader.get(path).status_code == 404
    with application.database.read() as connection:
        for table in t.metadata.sorted_tables:
            kept = repr(connection.execute(select(table)).all())
            assert "owner@example.com" not in kept
            assert "'shop-1'" not in kept
    add_subscriber(application, "shop-3")
    assert state(application, "shop-3") == "unsubscribed"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (SuppressionReason.BOUNCED, "Berichten aan uw adres kwamen terug, daarom sturen we u voorlopig niets."),
        (SuppressionReason.COMPLAINED, "is als spam gemeld, daarom sturen we u niets."),
        (SuppressionReason.IMPORTED, "Berichten aan uw adres zijn stopgezet, daarom sturen we u niets."),
        (SuppressionReason.PROVIDER_UNSUBSCRIBED, "U bent afgemeld: we sturen u niets."),
    ],
)
def test_a_suppressed_reader_is_told_why_and_may_try_again(
    application: Application, reader: TestClient, path: str, reason: SuppressionReason, words: str
) -> None:
    application.lifecycle.suppress("owner@example.com", HERE, reason=reason)
    page = reader.get(path)
    assert words in page.text
    with application.database.write() as connection:
        connection.execute(update(t.subscriber).values(locale="pt-BR"))
    assert send(reader, page, f"{path}/resubscribe").status_code == 200
    assert state(application, "shop-1") == "active"


def test_a_reader_whom_an_operator_stopped_is_told_so_and_offered_nothing_that_does_not_work(
    application: Application, reader: TestClient, path: str, number: int
) -> None:
    application.lifecycle.suppress("owner@example.com", HERE, reason=SuppressionReason.MANUAL)
    page = reader.get(path).text
    assert "We hebben het versturen van berichten naar uw adres stopgezet." in page
    assert "neem dan contact op met" in page
    assert f"{path}/resubscribe" not in Forms(page).forms
    link = f"/unsubscribe/{application.tokens.unsubscribe(number, 0)}"
    assert "U bent afgemeld" not in reader.get(link).text
    assert Forms(reader.post(link).text).forms == {}
    assert state(application, "shop-1") == "unsubscribed"
    assert [item["reason"] for item in application.subscribers.get("shop-1")["suppressions"]] == ["manual"]
    assert "stopgezet" in reader.get(path).text
