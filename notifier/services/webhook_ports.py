"""Protocols of what webhook attempts need from the outside."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from notifier.domain.incidents.notice import Notice
from notifier.domain.messages.message import HookRequest, HookResult
from notifier.domain.values import WebhookFormat
from notifier.storage.database import Connection


class HookEngine(Protocol):
    """Posts many webhooks at once (`channels/webhook`)."""

    def deliver(
        self,
        requests: Sequence[HookRequest],
        *,
        on_results: Callable[[Sequence[HookResult]], None] | None = None,
        retry: bool = False,
        wait_for_slow: bool = True,
        start_before: datetime | None = None,
        may_start: Callable[[], bool] = lambda: True,
    ) -> list[HookResult]:
        """Post all; blocks until every request except slow ones has a result.

        Requests are not started after `start_before`, or when `may_start` returns False.
        """

    def open(self) -> None:
        """Start the engine early; otherwise the first call would."""

    def close(self) -> None:
        """Stop the engine."""


class HookWording(Protocol):
    """Builds webhook bodies."""

    def webhook_body(self, notice: Notice, format_: WebhookFormat, since: int, *, is_replay: bool = False) -> bytes:
        """Return the bytes to post."""


class EndpointHealth(Protocol):
    """Counts endpoints' successes and failures."""

    def note(self, connection: Connection, results: Sequence[HookResult], now: datetime) -> None:
        """Update endpoints' health from attempts."""
