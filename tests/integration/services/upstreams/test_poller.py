"""The poller beside the sweep: it starts and stops with the scheduler, and no page holds up another."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from notifier.bootstrap.container import utc_now
from notifier.domain.errors import UnavailableError
from notifier.services.isolation import UNGUARDED, Isolation
from notifier.services.upstreams.poll import PollPage
from notifier.services.upstreams.poller import Poller
from notifier.storage.database.engine import Database

Until = Callable[[Callable[[], bool], float], None]


@dataclass
class Page:
    """A page that counts how often it is read. `holds` lets a read wait until it is set."""

    name: str
    every: timedelta = timedelta(seconds=0.05)
    reads: int = 0
    holds: threading.Event | None = None
    fault: Exception | None = None

    def read(self, cursor: Mapping[str, Any]) -> Mapping[str, Any]:
        if self.holds is not None:
            self.holds.wait(20)
        self.reads += 1
        if self.fault is not None:
            raise self.fault
        return cursor


def poller(database: Database, *pages: Page) -> Poller:
    polls = [PollPage(database, utc_now, "one", page) for page in pages]
    return Poller(polls, Isolation(database, utc_now))


def test_a_slow_page_does_not_hold_up_another_and_nothing_is_read_after_the_stop(
    ledger: Database, until: Until
) -> None:
    slow, quick = Page("upstream:slow", holds=threading.Event()), Page("upstream:quick")
    beside = poller(ledger, slow, quick)
    beside.start()
    until(lambda: quick.reads >= 3, 15.0)
    assert slow.reads == 0
    assert slow.holds is not None
    slow.holds.set()
    beside.stop()
    reads = quick.reads
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("poll ")]
    assert quick.reads == reads


class AwayAtFirst(PollPage):
    """A poll whose database does not answer the first time."""

    def run(self) -> timedelta:
        page = self.page
        assert isinstance(page, Page)
        page.reads += 1
        if page.reads == 1:
            raise UnavailableError("the database does not answer")
        return timedelta(seconds=0.05)


def test_a_database_that_is_away_for_a_moment_does_not_end_the_polling(ledger: Database, until: Until) -> None:
    page = Page("upstream:one")
    beside = Poller([AwayAtFirst(ledger, utc_now, "one", page)], Isolation(ledger, utc_now))
    beside.start()
    until(lambda: page.reads >= 2, 15.0)
    beside.stop()


def test_a_fault_of_one_page_is_contained(ledger: Database, until: Until) -> None:
    broken, sound = Page("upstream:broken", fault=KeyError("a bug")), Page("upstream:sound")
    beside = poller(ledger, broken, sound)
    beside.start()
    until(lambda: broken.reads >= 1 and sound.reads >= 3, 15.0)
    beside.stop()


def test_without_pages_no_thread_is_started(ledger: Database) -> None:
    beside = Poller([], UNGUARDED)
    beside.start()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("poll ")]
    beside.stop()
