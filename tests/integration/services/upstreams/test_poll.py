"""When a page is polled, by whom, and what happens while it does not answer."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest

from notifier.storage.database.engine import Database
from notifier.storage.proposals import polled_pages
from tests.integration.services.upstreams.upstream_desk import PAGE, upstream_desk
from tests.integration.subscriber_lists import NOON
from tests.support.status_page import UNRESOLVED, an_incident


def test_two_schedulers_poll_once_per_period(database: Database) -> None:
    with upstream_desk(database) as desk, ThreadPoolExecutor(2) as both:
        for _ in range(3):
            list(both.map(lambda owner: desk.poller(owner).run(), ("one", "two")))
            desk.clock.advance(seconds=61)
        assert len(desk.page.asked) == 3


def test_an_unchanged_page_is_asked_conditionally(database: Database) -> None:
    with upstream_desk(database) as desk:
        desk.page.incidents = [an_incident()]
        desk.poll()
        desk.later()
        desk.page.incidents = []
        desk.later()
        assert [status for path, status in desk.page.asked if path == UNRESOLVED] == [200, 304, 200]


def test_the_next_poll_is_a_period_away_with_jitter_both_ways(database: Database) -> None:
    with upstream_desk(database) as desk:
        waits = []
        for chance in (0.0, 0.5, 1.0):
            poller = desk.poller()
            object.__setattr__(poller, "chance", partial(float, chance))
            poller.run()
            with database.read() as connection:
                known = polled_pages.find(connection, PAGE)
            assert known is not None
            waits.append((known.next_poll_at - desk.clock.now).total_seconds())
            desk.clock.advance(seconds=120)
        assert waits == [54, 60, 66]


@pytest.mark.parametrize(("asked", "seconds"), [("300", 300), ("1", 60)])
def test_a_page_that_says_when_to_come_back_is_left_alone_until_then(
    database: Database, asked: str, seconds: int
) -> None:
    with upstream_desk(database) as desk:
        desk.page.fault = (429, {"Retry-After": asked}, b"")
        desk.poll()
        desk.later(seconds - 1)
        assert len(desk.page.asked) == 1
        desk.later(seconds * 0.1 + 2)
        assert len(desk.page.asked) == 2


def test_a_failing_page_is_asked_less_often_and_it_is_known_since_when(database: Database) -> None:
    with upstream_desk(database) as desk:
        desk.page.fault = (503, {}, b"")
        for _ in range(60):
            desk.poll()
            desk.clock.advance(seconds=30)
        assert 6 <= len(desk.page.asked) <= 10
        with database.read() as connection:
            known = polled_pages.find(connection, PAGE)
        assert known is not None
        assert (known.error_at, known.last_error) == (NOON, "HTTP 503")


def test_a_slow_page_changes_nothing_and_is_polled_again_later(database: Database) -> None:
    with upstream_desk(database) as desk:
        object.__setattr__(desk.client, "_timeout", 0.2)
        desk.page.silent.set()
        assert desk.poll() >= timedelta(seconds=30)
        assert desk.failures == 1
        desk.page.silent.clear()
        desk.client._timeout = 5
        desk.page.incidents = [an_incident()]
        desk.later(70)
        assert desk.failures == 0
        assert len(desk.drafts()) == 1


def test_a_poller_that_died_is_replaced_when_its_lease_ends(database: Database) -> None:
    with upstream_desk(database) as desk:
        with database.write() as connection:
            until = desk.clock() + timedelta(seconds=90)
            polled_pages.claim(connection, PAGE, "dead", now=desk.clock(), until=until, by=until)
        desk.later(60)
        assert desk.page.asked == []
        desk.later(31)
        assert len(desk.page.asked) == 1
