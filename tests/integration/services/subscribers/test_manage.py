import pytest
from sqlalchemy import select

from notifier.domain.errors import ConflictError, InvalidInputError, NotFoundError
from notifier.domain.recipients.subscriber import Suppression, SuppressionReason
from notifier.domain.values import Channel, SubscriberKind, SubscriberState
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from notifier.storage.recipients import suppressions
from tests.integration.subscriber_lists import (
    NOON,
    SUPPORT,
    Clock,
    a_subscriber,
    audit_of,
    changes,
    faults,
    parsed_subscriber,
    subscriber_body,
    subscribers_of,
)

ADDRESS = "owner@bloemenhuis.example"


def suppress(database: Database, reason: SuppressionReason, address: str = ADDRESS) -> None:
    key = subscribers_of(database).addresses.of(address)
    with database.write() as connection:
        suppressions.add(connection, key, Suppression(channel=Channel.EMAIL, reason=reason, since=NOON))


def test_what_was_created_is_shown_as_the_contract_writes_it(database: Database) -> None:
    people = subscribers_of(database)
    created = people.create(a_subscriber(), SUPPORT)
    given = subscriber_body()
    given["preferences"]["components"].sort()
    assert {name: created[name] for name in given} == given
    assert people.get("shop-1001") == created
    assert created["created_at"] == "2026-03-29T12:00:00Z"
    assert created["legal_basis"] == "api"


def test_everything_but_name_and_address_has_a_default(database: Database) -> None:
    created = subscribers_of(database).create(parsed_subscriber(external_id="shop-1", email="a@b.example"), SUPPORT)
    assert created["kind"] == "merchant"
    assert (created["locale"], created["timezone"], created["state"]) == ("en", "Europe/Amsterdam", "active")
    assert created["preferences"] == {
        "channels": ["email"],
        "components": [],
        "min_impact": "none",
        "updates": "all",
        "maintenance": True,
        "quiet_hours": None,
        "max_per_hour": None,
    }


def test_a_second_subscriber_of_the_same_name_is_a_conflict(database: Database) -> None:
    people = subscribers_of(database)
    people.create(a_subscriber(), SUPPORT)
    with pytest.raises(ConflictError, match="shop-1001"):
        people.create(a_subscriber(email="other@shop.example"), SUPPORT)
    assert people.get("shop-1001")["email"] == ADDRESS


def test_a_patch_changes_what_it_names_and_keeps_the_rest(database: Database) -> None:
    clock = Clock()
    people = subscribers_of(database, clock)
    created = people.create(a_subscriber(), SUPPORT)
    clock.advance(hours=1)
    changed = people.patch("shop-1001", changes(preferences={"min_impact": "critical"}, locale="de"), SUPPORT)
    assert changed["preferences"] == created["preferences"] | {"min_impact": "critical"}
    assert changed["locale"] == "de"
    assert (changed["created_at"], changed["updated_at"]) == ("2026-03-29T12:00:00Z", "2026-03-29T13:00:00Z")
    unchanged = created.keys() - {"preferences", "locale", "updated_at"}
    assert {name: changed[name] for name in unchanged} == {name: created[name] for name in unchanged}


def test_null_in_a_patch_means_the_default(database: Database) -> None:
    people = subscribers_of(database)
    people.create(a_subscriber(), SUPPORT)
    changed = people.patch("shop-1001", changes(preferences={"quiet_hours": None}, locale=None, name=None), SUPPORT)
    assert changed["preferences"]["quiet_hours"] is None
    assert changed["preferences"]["components"] == ["checkout", "storefront"]
    assert (changed["locale"], changed["name"]) == ("en", "")


def test_a_component_that_the_house_gave_up_does_not_stand_in_the_way_of_other_changes(database: Database) -> None:
    people = subscribers_of(database)
    people.create(a_subscriber(), SUPPORT)
    with database.write() as connection:
        canonical = t.preference.c.canonical
        old = connection.execute(select(canonical)).scalar_one()
        connection.execute(t.preference.update().values(canonical=old.replace("checkout", "fax")))
    assert people.patch("shop-1001", changes(locale="fr"), SUPPORT)["preferences"]["components"] == [
        "fax",
        "storefront",
    ]
    with pytest.raises(InvalidInputError) as refused:
        people.patch("shop-1001", changes(preferences={"components": ["fax", "telex"]}), SUPPORT)
    assert "'telex'" in faults(refused.value)["preferences.components"]
    assert "'fax'" not in faults(refused.value)["preferences.components"]


def test_the_name_a_subscriber_is_known_by_cannot_be_changed(database: Database) -> None:
    people = subscribers_of(database)
    people.create(a_subscriber(), SUPPORT)
    with pytest.raises(InvalidInputError) as refused:
        people.patch("shop-1001", changes(external_id="shop-2"), SUPPORT)
    assert faults(refused.value) == {"external_id": "cannot be changed"}
    assert people.patch("shop-1001", changes(external_id="shop-1001", locale="fr"), SUPPORT)["locale"] == "fr"


def test_a_mail_channel_without_an_address_is_refused_at_creation_and_by_a_patch(database: Database) -> None:
    people = subscribers_of(database)
    with pytest.raises(InvalidInputError) as refused:
        people.create(parsed_subscriber(external_id="partner-7", kind="partner"), SUPPORT)
    assert list(faults(refused.value)) == ["email"]
    people.create(
        parsed_subscriber(external_id="partner-7", kind="partner", preferences={"channels": ["webhook"]}), SUPPORT
    )
    with pytest.raises(InvalidInputError) as refused:
        people.patch("partner-7", changes(preferences={"channels": ["email"]}), SUPPORT)
    assert list(faults(refused.value)) == ["email"]


def test_nobody_is_found_under_a_name_that_was_never_given(database: Database) -> None:
    people = subscribers_of(database)
    for use in (
        lambda: people.get("nobody"),
        lambda: people.patch("nobody", {}, SUPPORT),
        lambda: people.remove("nobody", SUPPORT),
    ):
        with pytest.raises(NotFoundError, match="nobody"):
            use()


def test_a_list_is_paged_without_gaps_and_repeats(database: Database) -> None:
    people = subscribers_of(database)
    for number in range(5):
        people.create(a_subscriber(f"shop-{number}", kind="follower" if number % 2 else "merchant"), SUPPORT)
    seen: list[str] = []
    after: int | None = 0
    while after is not None:
        items, after = people.list(limit=2, after=after)
        seen += [item["external_id"] for item in items]
    assert seen == [f"shop-{number}" for number in range(5)]
    followers, following = people.list(limit=2, kind=SubscriberKind.FOLLOWER)
    assert [item["external_id"] for item in followers] == ["shop-1", "shop-3"]
    assert following is None
    people.patch("shop-4", changes(state="unsubscribed"), SUPPORT)
    gone, _ = people.list(limit=5, state=SubscriberState.UNSUBSCRIBED)
    assert [item["external_id"] for item in gone] == ["shop-4"]


def test_erasing_leaves_no_trace_of_the_person_and_keeps_the_suppression(database: Database) -> None:
    people = subscribers_of(database)
    people.create(a_subscriber(), SUPPORT)
    people.patch("shop-1001", changes(name="Somebody", email="second@bloemenhuis.example"), SUPPORT)
    suppress(database, SuppressionReason.COMPLAINED, "second@bloemenhuis.example")
    key = people.addresses.of("second@bloemenhuis.example")
    with database.write() as connection:
        suppressions.opt_out(connection, "inc-1", key, NOON)
    people.remove("shop-1001", SUPPORT)

    with database.read() as connection:
        assert connection.execute(select(t.subscriber)).all() == []
        assert connection.execute(select(t.opt_out)).all() == []
        assert [item.reason for item in suppressions.of_address(connection, key)] == [SuppressionReason.COMPLAINED]
        everything = str([connection.execute(select(table)).all() for table in t.metadata.sorted_tables])
    for trace in ("shop-1001", "bloemenhuis", "Bloemenhuis", "Somebody"):
        assert trace not in everything
    with pytest.raises(NotFoundError):
        people.get("shop-1001")


def test_who_knows_the_old_name_still_finds_who_erased_it(database: Database) -> None:
    people = subscribers_of(database)
    people.create(a_subscriber(), SUPPORT)
    people.remove("shop-1001", SUPPORT)
    entries = audit_of(database).entries(limit=10, kind="subscriber", object_id="shop-1001")
    assert [entry["action"] for entry in entries] == ["subscriber.erased", "subscriber.created"]
    assert audit_of(database).entries(limit=10, object_id="shop-2") == []


def test_an_opt_out_stays_while_another_subscriber_bears_the_address(database: Database) -> None:
    people = subscribers_of(database)
    people.create(a_subscriber(), SUPPORT)
    people.create(a_subscriber("shop-1002"), SUPPORT)
    key = people.addresses.of(ADDRESS)
    with database.write() as connection:
        suppressions.opt_out(connection, "inc-1", key, NOON)
    people.remove("shop-1001", SUPPORT)
    with database.read() as connection:
        assert suppressions.opt_outs(connection, key) == {"inc-1": NOON}


def test_the_audit_trail_tells_what_changed_without_the_personal_part(database: Database) -> None:
    people = subscribers_of(database)
    people.create(a_subscriber(), SUPPORT)
    people.patch(
        "shop-1001", changes(email="new@shop.example", name="New", preferences={"updates": "milestones"}), SUPPORT
    )
    people.patch("shop-1001", changes(locale="nl"), SUPPORT)  # nothing changes: nothing to tell
    changed, created = audit_of(database).entries(limit=10)
    assert (changed["action"], changed["origin"], changed["object_id"]) == (
        "subscriber.changed",
        "192.0.2.7",
        "shop-1001",
    )
    assert changed["detail"] == {
        "email": "(changed)",
        "name": "(changed)",
        "preferences.updates": ["all", "milestones"],
    }
    assert created["detail"]["locale"] == "nl"
    assert "email" not in created["detail"]
