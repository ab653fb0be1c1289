"""One poller at a time: the lease of a page, and what is noted of it."""

from datetime import UTC, datetime, timedelta

from notifier.domain.proposals.polled_page import PolledPage
from notifier.storage.database.engine import Database
from notifier.storage.proposals import polled_pages

NOW = datetime(2026, 8, 1, 10, tzinfo=UTC)
PAGE = "upstream:cloudflare"


def claimed(database: Database, owner: str, seconds: float = 0, by: float = 66) -> PolledPage | None:
    now = NOW + timedelta(seconds=seconds)
    with database.write() as connection:
        until, latest = now + timedelta(seconds=90), now + timedelta(seconds=by)
        return polled_pages.claim(connection, PAGE, owner, now=now, until=until, by=latest)


def done(database: Database, owner: str, seconds: float, wait: float = 60) -> bool:
    now = NOW + timedelta(seconds=seconds)
    with database.write() as connection:
        cursor = {"validators": {"etag": "1"}}
        return polled_pages.done(connection, PAGE, owner, now=now, next_at=now + timedelta(seconds=wait), cursor=cursor)


def failed(database: Database, owner: str, seconds: float, failures: int) -> bool:
    now = NOW + timedelta(seconds=seconds)
    with database.write() as connection:
        later = now + timedelta(seconds=60)
        return polled_pages.failed(connection, PAGE, owner, now=now, next_at=later, failures=failures, error="HTTP 503")


def known(database: Database) -> PolledPage:
    with database.read() as connection:
        return polled_pages.of(connection, [PAGE, "upstream:other"])[PAGE]


def test_a_page_has_one_poller_until_it_is_due_again(database: Database) -> None:
    assert claimed(database, "one") is not None
    assert claimed(database, "two") is None
    assert done(database, "one", 1)
    assert claimed(database, "two", 30) is None
    found = claimed(database, "two", 62)
    assert found is not None
    assert found.cursor == {"validators": {"etag": "1"}}
    assert found.last_ok_at == NOW + timedelta(seconds=1)


def test_the_lease_of_a_poller_that_died_ends_and_it_cannot_note_anything_afterwards(database: Database) -> None:
    assert claimed(database, "dead") is not None
    assert claimed(database, "heir", 89) is None
    assert claimed(database, "heir", 91) is not None
    assert not done(database, "dead", 92)
    assert not failed(database, "dead", 92, 1)
    assert done(database, "heir", 93)


def test_a_page_whose_period_was_shortened_is_due_at_once(database: Database) -> None:
    claimed(database, "one")
    done(database, "one", 1, wait=86_400)
    assert claimed(database, "one", 2, by=100_000) is None
    assert claimed(database, "one", 2, by=66) is not None


def test_a_failing_page_knows_since_when_and_forgets_it_when_it_works(database: Database) -> None:
    for failures, seconds in ((1, 0), (2, 120), (3, 240)):
        assert claimed(database, "one", seconds) is not None
        assert failed(database, "one", seconds, failures)
    found = known(database)
    assert (found.failures, found.error_at, found.last_error) == (3, NOW, "HTTP 503")
    claimed(database, "one", 400)
    done(database, "one", 400)
    found = known(database)
    assert (found.failures, found.error_at, found.last_error) == (0, None, None)
