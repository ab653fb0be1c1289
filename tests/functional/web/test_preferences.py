"""The preferences page: everything a reader may choose, change of address, their data, erasure."""

from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from notifier.bootstrap.api_container import ApiContainer
from notifier.domain.recipients.subscriber import QuietHours, SuppressionReason
from notifier.services.security.audit import Actor
from notifier.services.security.signed_tokens import Purpose, Tokens
from tests.functional.web.forms import Forms, add_subscriber, chosen, send, state

HERE = Actor("tests", "here")


def test_every_preference_is_shown_by_name_and_saved(container: ApiContainer, reader: TestClient, path: str) -> None:
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
    found = chosen(container)
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
    assert (chosen(container)["preferences"]["quiet_hours"], chosen(container)["preferences"]["max_per_hour"]) == (
        None,
        None,
    )


def test_saving_what_is_shown_changes_nothing(container: ApiContainer, reader: TestClient, path: str) -> None:
    container.subscribers.patch(
        "shop-1",
        {"preferences": {"components": frozenset({"pos"}), "quiet_hours": QuietHours.parse("23:00", "06:00")}},
        HERE,
    )
    before = chosen(container)
    assert send(reader, reader.get(path), path).status_code == 200
    assert chosen(container) | {"updated_at": ""} == before | {"updated_at": ""}


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
    container: ApiContainer, reader: TestClient, path: str, field: str, value: str
) -> None:
    before = chosen(container)
    page = send(reader, reader.get(path), path, **{"quiet_from": "22:00", "quiet_to": "07:00", field: value})
    assert page.status_code == 422
    assert 'class="error"' in page.text
    assert 'role="alert"' in page.text
    assert chosen(container) == before


def test_a_form_of_another_page_reader_or_day_changes_nothing(
    container: ApiContainer, reader: TestClient, path: str, number: int
) -> None:
    before = chosen(container)
    number = add_subscriber(container, "shop-2", "b@example.com")
    other = container.self_service.path(container.self_service.show(number))
    foreign = send(reader, reader.get(path), path, form=_form_token(reader, other))
    made_up = reader.post(path, data={"components": "api"})
    crossed = reader.post(path, data={"form": _form_token(reader, path)}, headers={"sec-fetch-site": "cross-site"})
    junk = reader.post(path, content=b"\xff\x00&&==", headers={"content-type": "multipart/form-data"})
    many = reader.post(path, content=b"&".join([b"a=1"] * 1000))
    assert {answer.status_code for answer in (foreign, made_up, crossed, junk, many)} == {403}
    assert chosen(container) == before


def _form_token(reader: TestClient, path: str) -> str:
    return Forms(reader.get(path).text).forms[path]["form"][0]


def test_links_of_another_kind_and_old_ones_open_nothing(
    container: ApiContainer, reader: TestClient, path: str, number: int
) -> None:
    old = container.tokens.sign(Purpose.PREFERENCES, number, expires_at=container.clock() - timedelta(days=1))
    assert reader.get(f"/preferences/{old}").status_code == 410
    for wrong in (container.tokens.unsubscribe(number, 1), path.rpartition("/")[2][:-3] + "abc", "x", "a" * 600):
        for further in ("", "/data", "/erase"):
            assert reader.get(f"/preferences/{wrong}{further}").status_code == 404
        assert reader.post(f"/preferences/{wrong}/erase").status_code == 404
    assert state(container, "shop-1") == "active"


def test_a_link_whose_key_is_no_longer_first_still_opens_until_it_is_taken_out(
    container: ApiContainer, reader: TestClient, number: int
) -> None:
    key = container.addresses.of("owner@example.com")
    newer = Tokens(("a newer key", *container.secret_keys), container.clock)
    old = container.tokens.preferences(number, key)
    assert newer.read(Purpose.PREFERENCES, old, container.clock()).subject == number
    assert newer.preferences(number, key) != old
    assert reader.get(f"/preferences/{newer.preferences(number, key)}").status_code == 404


def test_who_moved_leaves_no_key_behind_at_the_old_address(
    container: ApiContainer, reader: TestClient, path: str
) -> None:
    container.subscribers.patch("shop-1", {"email": "new@example.com"}, HERE)
    assert reader.get(path).status_code == 410
    assert reader.post(f"{path}/erase").status_code == 410
    assert state(container, "shop-1") == "active"


def test_a_reader_whom_an_operator_stopped_is_told_so_and_offered_nothing_that_does_not_work(
    container: ApiContainer, reader: TestClient, path: str, number: int
) -> None:
    container.lifecycle.suppress("owner@example.com", HERE, reason=SuppressionReason.MANUAL)
    page = reader.get(path).text
    assert "We hebben het versturen van berichten naar uw adres stopgezet." in page
    assert "neem dan contact op met" in page
    assert f"{path}/resubscribe" not in Forms(page).forms
    link = f"/unsubscribe/{container.tokens.unsubscribe(number, 0)}"
    assert "U bent afgemeld" not in reader.get(link).text
    assert Forms(reader.post(link).text).forms == {}
    assert state(container, "shop-1") == "unsubscribed"
    assert [item["reason"] for item in container.subscribers.get("shop-1")["suppressions"]] == ["manual"]
    assert "stopgezet" in reader.get(path).text
