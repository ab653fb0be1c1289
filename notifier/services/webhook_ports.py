"""What an attempt on webhooks needs from the outside, as small protocols."""

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
        """Post all; blocks until every request but the slow ones has its result.

        What has not begun `start_before` then, or when `may_start` is False, is not begun.
        """

    def open(self) -> None:
        """Start the engine before its first call would."""

    def close(self) -> None:
        """End the engine."""


class HookWording(Protocol):
    """Builds payloads."""

    def webhook_body(self, notice: Notice, format_: WebhookFormat, since: int, *, is_replay: bool = False) -> bytes:
        """Return the bytes to post."""


class EndpointHealth(Protocol):
    """Keeps count of an endpoint's successes and failures."""

    def note(self, connection: Connection, results: Sequence[HookResult], now: datetime) -> None:
        """Take the outcomes of attempts into the endpoints' health."""
