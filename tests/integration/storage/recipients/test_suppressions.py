import pytest

from notifier.domain.recipients.subscriber import SuppressionReason
from notifier.storage.database.engine import Database
from tests.integration.services.subscribers.test_manage import suppress
from tests.integration.subscriber_lists import (
    SUPPORT,
    a_subscriber,
    audit_of,
    changes,
    subscribers_of,
)


def test_creating_somebody_whose_address_is_suppressed_does_not_bring_it_back(database: Database) -> None:
    suppress(database, SuppressionReason.UNSUBSCRIBED)
    created = subscribers_of(database).create(a_subscriber(), SUPPORT)
    assert created["state"] == "unsubscribed"
    assert [item["reason"] for item in created["suppressions"]] == ["unsubscribed"]


def test_setting_the_state_to_active_by_hand_lifts_the_suppression(database: Database) -> None:
    people = subscribers_of(database)
    suppress(database, SuppressionReason.BOUNCED)
    assert people.create(a_subscriber(), SUPPORT)["state"] == "suppressed"
    changed = people.patch("shop-1001", changes(state="active"), SUPPORT)
    assert (changed["state"], changed["suppressions"]) == ("active", [])
    entry = audit_of(database).entries(limit=1)[0]
    assert (entry["actor"], entry["detail"]) == ("key:support", {"state": ["suppressed", "active"]})


def test_setting_the_state_to_suppressed_by_hand_suppresses_the_address(database: Database) -> None:
    people = subscribers_of(database)
    people.create(a_subscriber(), SUPPORT)
    changed = people.patch("shop-1001", changes(state="suppressed"), SUPPORT)
    assert [item["reason"] for item in changed["suppressions"]] == ["manual"]


@pytest.mark.parametrize(
    ("reason", "state"), [(SuppressionReason.BOUNCED, "active"), (SuppressionReason.UNSUBSCRIBED, "unsubscribed")]
)
def test_a_new_address_leaves_a_bounce_behind_but_not_a_wish(
    database: Database, reason: SuppressionReason, state: str
) -> None:
    people = subscribers_of(database)
    suppress(database, reason)
    people.create(a_subscriber(), SUPPORT)
    assert people.patch("shop-1001", changes(email="new@bloemenhuis.example"), SUPPORT)["state"] == state


def test_moving_to_an_address_that_bounced_before_suppresses(database: Database) -> None:
    people = subscribers_of(database)
    suppress(database, SuppressionReason.BOUNCED, "dead@bloemenhuis.example")
    people.create(a_subscriber(), SUPPORT)
    assert people.patch("shop-1001", changes(email="Dead@bloemenhuis.example"), SUPPORT)["state"] == "suppressed"
