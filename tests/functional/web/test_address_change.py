"""Links in mails to an address that its reader has left: whoever has that mailbox now stops nobody else's mail."""

import re

import pytest
from starlette.testclient import TestClient

from notifier.bootstrap.api_container import ApiContainer
from notifier.demo import story
from notifier.domain.recipients.subscriber import SuppressionReason
from notifier.domain.values import SubscriberState
from notifier.services.security.audit import Actor
from tests.functional.api.api_client import plan_all, publish
from tests.functional.web.forms import add_subscriber, state

ME = Actor("tests", "here")
_MAIL = 1  # the number of the first notification, which goes by mail
OLD, NEW = "old@example.com", "new@example.com"


def mail_everybody(container: ApiContainer) -> None:
    event = story.events()[0]
    event["update"]["posted_at"] = event["incident"]["started_at"] = container.clock().isoformat()
    publish(container, event)
    plan_all(container)


def moved(container: ApiContainer) -> int:
    """Add a reader who was mailed at an old address and has moved to a new one; returns their number."""
    number = add_subscriber(container, "shop-1", OLD)
    mail_everybody(container)
    container.subscribers.patch("shop-1", {"email": NEW}, ME)
    return number


def link(container: ApiContainer, number: int, email: str | None) -> str:
    """The link of a mail to an address; None: as older versions made it, without saying to which."""
    key = container.addresses.of(email) if email else None
    return f"/unsubscribe/{container.tokens.unsubscribe(number, _MAIL, key)}"


def way_back(page: str) -> str | None:
    found = re.search(r'action="(/resubscribe/[^"]+)"', page)
    return found[1] if found else None


@pytest.mark.parametrize("says", [OLD, None], ids=["bound", "of an older version"])
def test_an_address_left_behind_is_told_yes_and_nothing_changes(
    container: ApiContainer, reader: TestClient, says: str | None
) -> None:
    path = link(container, moved(container), says)
    answer = reader.post(path)
    assert (answer.status_code, way_back(answer.text)) == (200, None)
    assert state(container, "shop-1") == "active"
    assert container.subscribers.get("shop-1")["suppressions"] == []


def test_who_else_bears_the_address_left_behind_hears_no_more(container: ApiContainer, reader: TestClient) -> None:
    path = link(container, moved(container), OLD)
    add_subscriber(container, "shop-2", OLD)
    assert reader.post(path).status_code == 200
    assert (state(container, "shop-1"), state(container, "shop-2")) == ("active", "unsubscribed")


@pytest.mark.parametrize("says", [NEW, None], ids=["bound", "of an older version"])
def test_a_link_to_the_present_address_unsubscribes_it(
    container: ApiContainer, reader: TestClient, says: str | None
) -> None:
    number = add_subscriber(container, "shop-1", NEW)
    mail_everybody(container)
    page = reader.post(link(container, number, says)).text
    assert state(container, "shop-1") == "unsubscribed"
    assert reader.post(way_back(page) or "").status_code == 200
    assert state(container, "shop-1") == "active"


def test_an_older_link_whose_mail_is_forgotten_counts_for_the_reader(
    container: ApiContainer, reader: TestClient
) -> None:
    number = add_subscriber(container, "shop-1", NEW)
    assert reader.post(link(container, number, None)).status_code == 200
    assert state(container, "shop-1") == "unsubscribed"


def test_the_way_back_of_an_address_left_behind_lifts_nothing(container: ApiContainer, reader: TestClient) -> None:
    number = add_subscriber(container, "shop-1", OLD)
    back = way_back(reader.post(link(container, number, OLD)).text)
    assert back is not None
    container.subscribers.patch("shop-1", {"email": NEW}, ME)
    assert state(container, "shop-1") == "unsubscribed"
    assert reader.post(back).status_code == 200
    assert state(container, "shop-1") == "unsubscribed"


def test_the_way_back_lifts_no_suppression_that_was_set_by_hand(container: ApiContainer, reader: TestClient) -> None:
    number = add_subscriber(container, "shop-1", OLD)
    back = way_back(reader.post(link(container, number, OLD)).text)
    container.subscribers.patch("shop-1", {"state": SubscriberState.ACTIVE}, ME)
    container.lifecycle.suppress(OLD, ME, reason=SuppressionReason.MANUAL)
    assert reader.post(back or "").status_code == 200
    assert state(container, "shop-1") == "suppressed"
