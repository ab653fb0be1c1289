"""Poll one page when it is due, unless another scheduler does."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from notifier.domain.proposals.polled_page import JITTER, PageUnreadableError, PolledPage, wait_after
from notifier.observability import get_logger
from notifier.services.ports import Clock
from notifier.services.upstreams.ports import Page
from notifier.storage.database.codec import instant_to_json
from notifier.storage.database.engine import Database
from notifier.storage.proposals import polled_pages

_log = get_logger(__name__)
LEASE = timedelta(seconds=90)  # longer than all requests and transactions of one poll
_LONGEST_PAUSE = timedelta(seconds=30)  # another scheduler may stop at any time


@dataclass(frozen=True, slots=True)
class PollPage:
    """Polls one page. `chance` returns a number from 0 to 1, for the jitter."""

    database: Database
    clock: Clock
    owner: str
    page: Page
    chance: Callable[[], float] = random.random

    def run(self) -> timedelta:
        """Poll the page if it is due; returns how long to wait before calling again.

        Raises:
            UnavailableError: The database does not answer.
        """
        now, name = self.clock(), self.page.name
        by = now + self.page.every * (1 + JITTER)
        with self.database.read() as connection:  # most looks find that nothing is due: they write nothing
            known = polled_pages.find(connection, name)
        if known is not None and known.next_poll_at > now and (known.failures or known.next_poll_at <= by):
            return min(known.next_poll_at - now, _LONGEST_PAUSE)
        with self.database.write() as connection:
            claimed = polled_pages.claim(connection, name, self.owner, now=now, until=now + LEASE, by=by)
        if claimed is None:  # another scheduler was faster
            return min(self.page.every, _LONGEST_PAUSE)
        try:
            cursor = self.page.read(claimed.cursor)
        except PageUnreadableError as error:
            return self._failed(claimed, error)
        return self._done(claimed, cursor)

    def _done(self, page: PolledPage, cursor: Mapping[str, Any]) -> timedelta:
        now = self.clock()
        wait = self.page.every * (1 - JITTER + 2 * JITTER * self.chance())
        with self.database.write() as connection:
            polled_pages.done(connection, self.page.name, self.owner, now=now, next_at=now + wait, cursor=cursor)
        if page.failures:
            _log.info("page_readable_again", page=self.page.name, unreadable_since=instant_to_json(page.error_at))
        return min(wait, _LONGEST_PAUSE)

    def _failed(self, page: PolledPage, error: PageUnreadableError) -> timedelta:
        now, failures = self.clock(), page.failures + 1
        wait = wait_after(error, failures, self.page.every) * (1 + JITTER * self.chance())
        since = page.error_at or now
        with self.database.write() as connection:
            polled_pages.failed(
                connection,
                self.page.name,
                self.owner,
                now=now,
                next_at=now + wait,
                failures=failures,
                error=error.detail,
            )
        _log.warning(
            "page_unreadable",
            page=self.page.name,
            error=error.detail,
            since=instant_to_json(since),
            failures=failures,
            retry_in=round(wait.total_seconds(), 1),
        )
        return min(wait, _LONGEST_PAUSE)
