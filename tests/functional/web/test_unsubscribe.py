"""One click to unsubscribe (RFC 8058), from everything or from one incident, and the way back."""

import pytest
from starlette.testclient import TestClient

from notifier.bootstrap.api_container import ApiContainer
from notifier.demo import story
from notifier.services.security.audit import Actor
from tests.functional.api.api_client import plan_all, publish
from tests.functional.web.forms import Forms, add_subscriber, send, state, unsubscribe_token

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def test_opening_the_link_changes_nothing(container: ApiContainer, reader: TestClient) -> None:
    token = unsubscribe_token(container, "shop-1")
    answer = reader.get(f"/unsubscribe/{token}")
    assert answer.status_code == 200
    assert "Ja, meld mij af" in answer.text
    assert 'lang="nl"' in answer.text
    assert state(container, "shop-1") == "active"


@pytest.mark.parametrize("form", ["urlencoded", "multipart", "empty", "junk"])
def test_one_post_unsubscribes_at_once_without_cookie_or_redirect(
    container: ApiContainer, reader: TestClient, form: str
) -> None:
    path = f"/unsubscribe/{unsubscribe_token(container, 'shop-1')}"
    if form == "urlencoded":
        answer = reader.post(path, data=ONE_CLICK)
    elif form == "multipart":
        answer = reader.post(path, files={name: (None, value) for name, value in ONE_CLICK.items()})
    else:
        answer = reader.post(path, content=b"" if form == "empty" else b"\xff\x00{", headers={"content-type": "x/y"})
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert state(container, "shop-1") == "unsubscribed"
    assert reader.post(path, data=ONE_CLICK).status_code == 200


def test_the_link_of_somebody_who_was_erased_still_says_that_nothing_comes(
    container: ApiContainer, reader: TestClient
) -> None:
    path = f"/unsubscribe/{unsubscribe_token(container, 'shop-1')}"
    container.subscribers.remove("shop-1", Actor("tests", "here"))
    for answer in (reader.get(path), reader.post(path, data=ONE_CLICK)):
        assert (answer.status_code, "You are unsubscribed" in answer.text) == (200, True)


def test_head_and_options_are_answered_and_change_nothing(container: ApiContainer, reader: TestClient) -> None:
    path = f"/unsubscribe/{unsubscribe_token(container, 'shop-1')}"
    assert reader.head(path).status_code == 200
    assert "POST" in reader.options(path).headers["allow"]
    assert state(container, "shop-1") == "active"


def test_it_acts_on_the_address_not_on_one_subscription(container: ApiContainer, reader: TestClient) -> None:
    token = unsubscribe_token(container, "shop-1")
    unsubscribe_token(container, "shop-2", email="Owner@Example.com")
    unsubscribe_token(container, "shop-3", email="other@example.com")
    reader.post(f"/unsubscribe/{token}", data=ONE_CLICK)
    assert [state(container, f"shop-{number}") for number in (1, 2, 3)] == ["unsubscribed", "unsubscribed", "active"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_link_that_is_not_ours_opens_nothing(container: ApiContainer, reader: TestClient, method: str) -> None:
    token = unsubscribe_token(container, "shop-1")
    tampered = token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
    foreign = container.tokens.preferences(1, 1)
    for wrong in (tampered, foreign, "x", "%00", "a" * 600):
        assert reader.request(method, f"/unsubscribe/{wrong}").status_code == 404
    assert state(container, "shop-1") == "active"


def test_one_incident_can_be_left_out_and_only_by_the_page_of_the_mail(
    container: ApiContainer, reader: TestClient
) -> None:
    number = add_subscriber(container, "shop-1")
    publish(container, story.events()[0])
    plan_all(container)
    path = f"/unsubscribe/{container.tokens.unsubscribe(number, 1)}"
    page = reader.get(path)
    assert "Verminderde performance" in page.text
    assert reader.post(f"{path}/incident", data={"form": "made-up"}).status_code == 403
    other = f"/unsubscribe/{container.tokens.unsubscribe(add_subscriber(container, 'shop-2', 'b@example.com'), 1)}"
    foreign = reader.get(other)
    assert send(reader, foreign, f"{other}/incident").status_code == 200
    answer = send(reader, page, f"{path}/incident")
    assert answer.status_code == 200
    assert "Niets meer over deze storing" in answer.text
    assert state(container, "shop-1") == "active"
    own = container.data_export.collect(number)
    assert [item["incident_id"] for item in own["incidents_not_wanted"]] == [story.INCIDENT_ID]


def test_who_unsubscribed_by_mistake_may_come_back_within_the_hour(container: ApiContainer, reader: TestClient) -> None:
    path = f"/unsubscribe/{unsubscribe_token(container, 'shop-1')}"
    page = reader.post(path, data=ONE_CLICK)
    (back,) = [action for action in Forms(page.text).forms if action.startswith("/resubscribe/")]
    assert reader.post(back.replace("/resubscribe/", "/unsubscribe/")).status_code == 404
    assert reader.get(back).status_code == 405
    assert reader.post(back).status_code == 200
    assert state(container, "shop-1") == "active"
