"""A login that a provider grants rarely: kept for all processes, readable by nobody who only has the database."""

from datetime import UTC, datetime

from sqlalchemy import select

from notifier.services.security.secretbox import SecretBox
from notifier.services.social.sessions import AccountSessions
from notifier.storage import tables as t
from notifier.storage.database.engine import Database

NOW = datetime(2022, 6, 21, 8, 30, tzinfo=UTC)
KEYS = ["k" * 32]


def sessions_of(database: Database, keys: list[str] = KEYS) -> AccountSessions:
    return AccountSessions(database, SecretBox(keys, "account session"), lambda: NOW)


def test_a_session_is_found_by_other_processes_and_the_newest_replaces_the_one_before(database: Database) -> None:
    assert sessions_of(database).load("bluesky-nl") is None
    sessions_of(database).save("bluesky-nl", "first")
    sessions_of(database).save("bluesky-en", "another account's")
    sessions_of(database).save("bluesky-nl", "second")
    assert sessions_of(database).load("bluesky-nl") == "second"
    assert sessions_of(database).load("bluesky-en") == "another account's"


def test_a_session_is_not_readable_at_rest(database: Database) -> None:
    sessions_of(database).save("bluesky-nl", "the login itself")
    with database.read() as connection:
        (row,) = connection.execute(select(t.account_session)).all()
    assert "the login itself" not in str(row)
    assert sessions_of(database, ["n" * 32, *KEYS]).load("bluesky-nl") == "the login itself"  # after a new key came
