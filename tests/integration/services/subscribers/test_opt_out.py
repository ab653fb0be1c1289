import pytest
from sqlalchemy import select

from notifier.domain.errors import NotFoundError
from notifier.domain.recipients.subscriber import SuppressionReason
from notifier.services.subscribers.opt_out import Lifecycle
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from notifier.storage.recipients import suppressions
from tests.integration.subscriber_lists import (
    NOON,
    SUPPORT,
    Clock,
    a_subscriber,
    audit_of,
    parsed_subscriber,
    subscribers_of,
)

ADDRESS = "owner@bloemenhuis.example"


def life_of(database: Database) -> Lifecycle:
    return Lifecycle(database, Clock(), subscribers_of(database).addresses)


def number_of(database: Database, external_id: str) -> int:
    with database.read() as connection:
        statement = select(t.subscriber.c.id).where(t.subscriber.c.external_id == external_id)
        return int(connection.execute(statement).scalar_one())


def people_of(database: Database, *names: str) -> int:
    people = subscribers_of(database)
    for name in names:
        people.create(a_subscriber(name), SUPPORT)
    return number_of(database, names[0])


def state_of(database: Database, external_id: str) -> str:
    return str(subscribers_of(database).get(external_id)["state"])


def test_unsubscribing_stops_every_subscriber_of_the_address_and_nobody_else(database: Database) -> None:
    number = people_of(database, "shop-1", "shop-2")
    subscribers_of(database).create(a_subscriber("other", email="other@shop.example"), SUPPORT)
    assert life_of(database).unsubscribe(number, SUPPORT)
    assert [state_of(database, name) for name in ("shop-1", "shop-2", "other")] == [
        "unsubscribed",
        "unsubscribed",
        "active",
    ]
    found = subscribers_of(database).get("shop-2")["suppressions"]
    assert [(item["channel"], item["reason"]) for item in found] == [("email", "unsubscribed")]


def test_unsubscribing_twice_does_nothing_the_second_time(database: Database) -> None:
    number = people_of(database, "shop-1")
    assert life_of(database).unsubscribe(number, SUPPORT)
    assert not life_of(database).unsubscribe(number, SUPPORT)
    assert [entry["action"] for entry in audit_of(database).entries(limit=9)] == [
        "subscriber.unsubscribed",
        "subscriber.created",
    ]


def test_unsubscribing_is_remembered_when_the_subscriber_is_erased(database: Database) -> None:
    number = people_of(database, "shop-1")
    life_of(database).unsubscribe(number, SUPPORT)
    life_of(database).erase(number, SUPPORT)
    assert subscribers_of(database).create(a_subscriber("again"), SUPPORT)["state"] == "unsubscribed"


def test_opting_out_of_one_incident_leaves_all_others(database: Database) -> None:
    number = people_of(database, "shop-1")
    life = life_of(database)
    assert life.unsubscribe(number, SUPPORT, incident_id="inc-1")
    assert not life.unsubscribe(number, SUPPORT, incident_id="inc-1")
    assert state_of(database, "shop-1") == "active"
    with database.read() as connection:
        assert suppressions.opt_outs(connection, life.addresses.of(ADDRESS)) == {"inc-1": NOON}
    assert life.resubscribe(number, SUPPORT, incident_id="inc-1")
    assert not life.resubscribe(number, SUPPORT, incident_id="inc-1")


def test_coming_back_lifts_the_suppression_and_makes_everybody_of_the_address_active(database: Database) -> None:
    number = people_of(database, "shop-1", "shop-2")
    life = life_of(database)
    life.unsubscribe(number, SUPPORT)
    assert life.resubscribe(number, SUPPORT)
    assert not life.resubscribe(number, SUPPORT)
    found = subscribers_of(database).get("shop-2")
    assert (found["state"], found["suppressions"]) == ("active", [])


def test_who_has_no_address_can_stop_and_start_too(database: Database) -> None:
    people = subscribers_of(database)
    people.create(
        parsed_subscriber(external_id="partner-7", kind="partner", preferences={"channels": ["webhook"]}), SUPPORT
    )
    number = number_of(database, "partner-7")
    life = life_of(database)
    assert life.unsubscribe(number, SUPPORT)
    assert not life.unsubscribe(number, SUPPORT)
    assert state_of(database, "partner-7") == "unsubscribed"
    assert not life.unsubscribe(number, SUPPORT, incident_id="inc-1")
    assert life.resubscribe(number, SUPPORT)
    assert not life.resubscribe(number, SUPPORT)
    assert state_of(database, "partner-7") == "active"


def test_an_address_suppressed_by_hand_stops_its_subscribers_present_and_future(database: Database) -> None:
    people_of(database, "shop-1")
    life = life_of(database)
    assert life.suppress("Owner@Bloemenhuis.example", SUPPORT, reason=SuppressionReason.COMPLAINED)
    assert not life.suppress(ADDRESS, SUPPORT, reason=SuppressionReason.MANUAL)
    assert state_of(database, "shop-1") == "suppressed"
    created = subscribers_of(database).create(a_subscriber("shop-2"), SUPPORT)
    assert [item["reason"] for item in created["suppressions"]] == ["complained"]
    assert ADDRESS not in str(audit_of(database).entries(limit=9))


def test_who_was_suppressed_can_still_say_that_they_want_no_more_and_the_wish_stands_above(database: Database) -> None:
    number = people_of(database, "shop-1")
    life = life_of(database)
    life.suppress(ADDRESS, SUPPORT, reason=SuppressionReason.BOUNCED)
    assert life.unsubscribe(number, SUPPORT)
    assert not life.unsubscribe(number, SUPPORT)
    found = subscribers_of(database).get("shop-1")
    assert (found["state"], [item["reason"] for item in found["suppressions"]]) == ("unsubscribed", ["unsubscribed"])


def test_links_of_somebody_erased_find_nobody(database: Database) -> None:
    number = people_of(database, "shop-1")
    life = life_of(database)
    life.erase(number, SUPPORT)
    for use in (life.unsubscribe, life.resubscribe, life.erase):
        with pytest.raises(NotFoundError):
            use(number, SUPPORT)
