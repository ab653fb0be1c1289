"""Protocols of polling."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol

from notifier.domain.proposals.polled_page import PageAnswer


class PageFetcher(Protocol):
    """Fetches paths of one page."""

    def fetch(self, path: str, validators: Mapping[str, str]) -> PageAnswer:
        """Get a path, if it has changed since `validators`.

        Raises:
            PageUnreadableError: The page did not answer as it should.
        """


class Page(Protocol):
    """A page that is polled."""

    @property
    def name(self) -> str:
        """Its unique name: `upstream:NAME` or `source:NAME`."""

    @property
    def every(self) -> timedelta:
        """How often it is polled."""

    def read(self, cursor: Mapping[str, Any]) -> Mapping[str, Any]:
        """Fetch the page and act on its news; returns the cursor that the next read gets.

        Must be safe to repeat: the cursor is stored after the news.

        Raises:
            PageUnreadableError: The page did not answer as it should; nothing has changed.
            UnavailableError: The database does not answer.
        """
