"""Sign-up in the browser's words: form, letter, button. The answer never tells who is known."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from notifier.bootstrap.api_container import ApiContainer
from notifier.services.security.signed_tokens import Purpose
from notifier.services.subscribers.public_sign_up import PER_NETWORK
from notifier.storage import tables as t
from tests.functional.web.forms import add_subscriber, number_of_latest, send

SHOWN = {"nl": "Berichten ontvangen", "en": "Get notified", "de": "Nachrichten erhalten", "fr": "Être prévenu"}


def confirm_link(container: ApiContainer) -> str:
    """What the letter that was written last holds."""
    with container.database.read() as connection:
        mail = connection.execute(select(t.outbox).order_by(t.outbox.c.id.desc())).first()
    assert mail is not None
    return "/confirm/" + container.tokens.sign(Purpose.CONFIRM, mail.subject_id, expires_at=mail.expires_at)


@pytest.mark.parametrize("locale", SHOWN)
def test_sign_up_confirmation_and_preferences_in_each_language(
    container: ApiContainer, reader: TestClient, locale: str
) -> None:
    path = f"/{locale}/subscribe"
    page = reader.get(path)
    assert SHOWN[locale] in page.text
    assert f'lang="{locale}"' in page.text
    taken = send(reader, page, path, email="reader@example.com", components=["api"], min_impact="major")
    assert taken.status_code == 200
    assert "reader@example.com" in taken.text
    link = confirm_link(container)
    asked = reader.get(link)
    assert (asked.status_code, reader.head(link).status_code) == (200, 200)
    (person,), _ = container.subscribers.list(limit=5)
    assert (person["state"], person["locale"], person["kind"]) == ("pending", locale, "follower")
    done = send(reader, asked, link)
    assert done.status_code == 200
    assert reader.post(link).status_code == 200
    (person,), _ = container.subscribers.list(limit=5)
    assert (person["state"], person["preferences"]["components"], person["preferences"]["min_impact"]) == (
        "active",
        ["api"],
        "major",
    )
    preferences = re.search(r'href="(/preferences/[^"]+)"', done.text)
    assert preferences is not None
    assert reader.get(preferences[1]).status_code == 200
    assert not any("set-cookie" in answer.headers for answer in (page, taken, asked, done))


def test_the_answer_is_the_same_for_known_and_unknown_addresses(container: ApiContainer, reader: TestClient) -> None:
    add_subscriber(container, "shop-1", "known@example.com")
    page = reader.get("/en/subscribe")
    texts = [
        send(reader, page, "/en/subscribe", email=email).text.replace(email, "EMAIL")
        for email in ("known@example.com", "new@example.com", *["often@example.com"] * 4)
    ]
    assert set(texts) == {texts[0]}


def test_faults_are_marked_and_what_was_filled_in_stays(container: ApiContainer, reader: TestClient) -> None:
    page = reader.get("/nl/subscribe")
    for email in ("", "nobody", "a b@example.com", "x@example.com\r\nBcc: y@example.com", "<script>@example.com"):
        answer = send(reader, page, "/nl/subscribe", email=email, components=["pos"], min_impact="critical")
        assert answer.status_code == 422
        assert 'aria-invalid="true"' in answer.text
        assert 'value="pos" checked' in answer.text
        assert "<script>" not in answer.text
    unknown = send(reader, page, "/nl/subscribe", email="a@example.com", components=["telex"])
    assert unknown.status_code == 422
    assert container.subscribers.list(limit=5) == ([], None)


def test_a_form_that_is_not_ours_signs_nobody_up(container: ApiContainer, reader: TestClient) -> None:
    path = "/en/subscribe"
    page = reader.get(path)
    assert reader.post(path, data={"email": "victim@example.com"}).status_code == 403
    assert send(reader, page, path, email="victim@example.com", form="x" * 700).status_code == 403
    crossed = reader.post(path, data={"email": "victim@example.com"}, headers={"sec-fetch-site": "cross-site"})
    assert crossed.status_code == 403
    assert container.subscribers.list(limit=5) == ([], None)


def test_a_network_has_its_share(reader: TestClient) -> None:
    page = reader.get("/en/subscribe")
    statuses = [
        send(reader, page, "/en/subscribe", email=f"reader{number}@example.com").status_code
        for number in range(PER_NETWORK + 1)
    ]
    assert statuses == [200] * PER_NETWORK + [429]


def test_a_link_that_expired_says_so_and_others_open_nothing(container: ApiContainer, reader: TestClient) -> None:
    send(reader, reader.get("/en/subscribe"), "/en/subscribe", email="a@example.com")
    number, now = number_of_latest(container), container.clock()
    expired = container.tokens.sign(Purpose.CONFIRM, number, expires_at=now - timedelta(hours=1))
    assert reader.get(f"/confirm/{expired}").status_code == 410
    assert reader.post(f"/confirm/{expired}").status_code == 410
    good = confirm_link(container)
    for wrong in (container.tokens.preferences(number, 1), good[9:-4] + "AAAA", "x", "%00"):
        assert reader.get(f"/confirm/{wrong}").status_code == 404
        assert reader.post(f"/confirm/{wrong}").status_code == 404
    (person,), _ = container.subscribers.list(limit=5)
    assert person["state"] == "pending"
