from datetime import timedelta

import pytest
from sqlalchemy import select

from notifier.domain.errors import InvalidInputError, NotFoundError
from notifier.services.security.api_keys import ApiKeys, KeyScope
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from tests.integration.subscriber_lists import SUPPORT, Clock, audit_of, faults


def keys_of(database: Database, clock: Clock | None = None) -> ApiKeys:
    return ApiKeys(database, clock or Clock(), "the-admin-token")


def test_a_key_opens_the_scopes_it_was_made_with(database: Database) -> None:
    keys = keys_of(database)
    made = keys.create("ci", ["publish"], SUPPORT)
    caller = keys.authenticate(made.plaintext)
    assert caller is not None
    assert (caller.id, caller.name, caller.scopes) == (made.id, "ci", frozenset({KeyScope.PUBLISH}))
    assert made.plaintext.startswith("ntf_key_")


def test_who_may_manage_may_look(database: Database) -> None:
    keys = keys_of(database)
    caller = keys.authenticate(keys.create("console", ["manage"], SUPPORT).plaintext)
    assert caller is not None
    assert caller.scopes == {KeyScope.MANAGE, KeyScope.READ}


def test_the_admin_token_opens_everything_without_being_in_the_ledger(database: Database) -> None:
    caller = keys_of(database).authenticate("the-admin-token")
    assert caller is not None
    assert caller.scopes == set(KeyScope)
    assert keys_of(database).list() == []


@pytest.mark.parametrize("presented", ["", "the-admin-toke", "ntf_key_", "ntf_key_" + "A" * 43, "x" * 10_000, "ключ"])
def test_what_is_no_key_opens_nothing(database: Database, presented: str) -> None:
    keys = keys_of(database)
    keys.create("ci", ["publish"], SUPPORT)
    assert keys.authenticate(presented) is None


def test_a_revoked_key_opens_nothing_and_stays_in_the_list(database: Database) -> None:
    clock = Clock()
    keys = keys_of(database, clock)
    made, other = keys.create("ci", ["publish"], SUPPORT), keys.create("other", ["read"], SUPPORT)
    clock.advance(hours=1)
    keys.revoke(made.id, SUPPORT)
    clock.advance(hours=1)
    keys.revoke(made.id, SUPPORT)
    assert keys.authenticate(made.plaintext) is None
    assert keys.authenticate(other.plaintext) is not None
    revoked = {item["id"]: item["revoked_at"] for item in keys.list()}
    assert revoked == {made.id: "2026-03-29T13:00:00Z", other.id: None}
    with pytest.raises(NotFoundError):
        keys.revoke("key_none", SUPPORT)


def test_the_ledger_and_the_audit_trail_never_hold_the_key_itself(database: Database) -> None:
    keys = keys_of(database)
    made = keys.create("ci", ["read", "publish"], SUPPORT)
    with database.read() as connection:
        everything = str([connection.execute(select(table)).all() for table in t.metadata.sorted_tables])
    assert made.plaintext not in everything
    assert made.plaintext not in repr(made)
    entry = audit_of(database).entries(limit=1)[0]
    assert (entry["action"], entry["detail"]) == ("api_key.created", {"name": "ci", "scopes": ["publish", "read"]})


def test_a_key_without_name_or_with_unknown_scopes_is_refused(database: Database) -> None:
    with pytest.raises(InvalidInputError) as refused:
        keys_of(database).create(" ", ["publish", "root"], SUPPORT)
    assert set(faults(refused.value)) == {"name", "scopes"}
    assert "'root'" in faults(refused.value)["scopes"]
    with pytest.raises(InvalidInputError) as refused:
        keys_of(database).create("ci", [], SUPPORT)
    assert set(faults(refused.value)) == {"scopes"}


def test_the_name_of_the_admin_token_is_nobody_elses(database: Database) -> None:
    for name in ("admin", " Admin "):
        with pytest.raises(InvalidInputError) as refused:
            keys_of(database).create(name, ["read"], SUPPORT)
        assert list(faults(refused.value)) == ["name"]


def test_two_keys_of_one_name_act_under_two_names_that_fit_the_audit_trail(database: Database) -> None:
    keys = keys_of(database)
    names = set()
    for _ in range(2):
        caller = keys.authenticate(keys.create("n" * 100, ["read"], SUPPORT).plaintext)
        assert caller is not None
        names.add(caller.acting_from("here").name)
    assert len(names) == 2
    assert all(len(name) <= 100 for name in names)
    admin = keys.authenticate("the-admin-token")
    assert admin is not None
    assert admin.acting_from("here").name == "key:admin"


def test_a_key_opens_nothing_after_it_has_expired(database: Database) -> None:
    clock = Clock()
    keys = keys_of(database, clock)
    made = keys.create("ci", ["read"], SUPPORT, expires_at=clock() + timedelta(days=90))
    clock.advance(hours=90 * 24 - 1)
    assert keys.authenticate(made.plaintext) is not None
    assert keys.held_by("key", made.id) is not None
    clock.advance(hours=1)
    assert keys.authenticate(made.plaintext) is None
    assert keys.held_by("key", made.id) is None
    assert keys.list()[0]["expires_at"] is not None
    with pytest.raises(InvalidInputError) as refused:
        keys.create("late", ["read"], SUPPORT, expires_at=clock())
    assert list(faults(refused.value)) == ["expires"]


def test_the_last_use_of_a_key_is_noted_to_the_minute_and_only_forwards(database: Database) -> None:
    clock = Clock()
    keys, elsewhere = keys_of(database, clock), keys_of(database, clock)
    caller = keys.authenticate(keys.create("ci", ["read"], SUPPORT).plaintext)
    assert caller is not None
    assert keys.list()[0]["last_used_at"] is None
    noted = []
    for process, seconds in ((keys, 0), (keys, 30), (elsewhere, 20), (elsewhere, 75)):
        clock.advance(hours=seconds / 3600)
        process.note_use(caller)
        noted.append(keys.list()[0]["last_used_at"])
    assert noted[0] == noted[1] == noted[2]
    assert noted[3] != noted[0]
