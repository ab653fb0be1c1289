"""Track the requests of one batch and deliver results in chunks."""

import asyncio
import queue
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from notifier.channels.webhook.delivery.limits import EngineLimits
from notifier.domain.errors import DeliveryError
from notifier.domain.messages.message import HookRequest, HookResult

OnResults = Callable[[Sequence[HookResult]], None]


@dataclass(frozen=True, slots=True)
class Chunk:
    """New results. `done`: the last ones; `only_slow`: the rest is slow or queued; `bug`: ours."""

    results: Sequence[HookResult]
    done: bool
    only_slow: bool
    bug: BaseException | None = None


def failed_result(request: HookRequest, error: DeliveryError, at: datetime) -> HookResult:
    """Return the result of an attempt that never reached the network."""
    return HookResult(
        delivery_id=request.delivery_id, endpoint_id=request.endpoint_id, started_at=at, duration_ms=0, error=error
    )


class Ticket:
    """One request of a batch; the sender reports its progress here."""

    __slots__ = ("_batch", "_counted", "begun", "request", "started", "task", "withdrawn")

    def __init__(self, batch: "BatchTracker", request: HookRequest) -> None:
        self._batch, self.request = batch, request
        self._counted = True
        self.begun = self.started = self.withdrawn = False  # in progress; sent; no longer wanted
        self.task: asyncio.Task[None] | None = None

    def start(self) -> bool:
        """Mark the request as sent; return False if it must not be sent."""
        self.started = self._batch.may_start()
        return self.started

    def withdraw(self) -> None:
        """Return the request unless it was sent."""
        if self.started:
            return
        self.withdrawn = True
        if self.begun and self.task is not None:  # a task that never ran would end without a result
            self.task.cancel()

    def step_aside(self) -> None:
        """Stop counting the request: it is slow, or queued behind another to its endpoint."""
        if self._counted:
            self._counted = False
            self._batch.one_less_busy()

    def step_back(self) -> None:
        """Count the request again: it takes, or waits for, a fast slot."""
        if not self._counted:
            self._counted = True
            self._batch.busy += 1

    def settle(self, result: HookResult) -> None:
        """Record the result of the attempt."""
        self._batch.settle(self, result)
        self.step_aside()

    def check(self, task: "asyncio.Task[None]") -> None:
        """Pass on an exception of the finished task to the caller: it is a bug of ours."""
        if not task.cancelled() and (bug := task.exception()) is not None:
            self._batch.crash(self, bug)


class BatchTracker:
    """The requests of one call, in the event loop.

    Puts chunks into `chunks`, or passes them to a callback once detached.
    """

    def __init__(
        self, requests: Sequence[HookRequest], limits: EngineLimits, may_start: Callable[[], bool] = lambda: True
    ) -> None:
        self.may_start = may_start
        self.tickets = {Ticket(self, request): None for request in requests}  # without a result yet
        self.busy = len(self.tickets)
        self.chunks: queue.SimpleQueue[Chunk] = queue.SimpleQueue()
        self._limits = limits
        self._results: list[HookResult] = []
        self._timer: asyncio.TimerHandle | None = None
        self._late: Callable[[Chunk], None] | None = None

    def one_less_busy(self) -> None:
        """Stop counting a request; after the last one, flush at once: the caller may be waiting."""
        self.busy -= 1
        if self.busy == 0:
            self._flush()

    def settle(self, ticket: Ticket, result: HookResult) -> None:
        """Keep a result for the next chunk."""
        del self.tickets[ticket]
        self._results.append(result)
        if not self.tickets or len(self._results) >= self._limits.result_chunk:
            self._flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._limits.result_linger, self._flush)

    def crash(self, ticket: Ticket, bug: BaseException) -> None:
        """Report a bug to the caller; the rest of the batch continues."""
        del self.tickets[ticket]
        self._flush(bug)

    def detach(self, late: Callable[[Chunk], None]) -> None:
        """Pass queued and future chunks to `late`: the caller no longer reads the queue."""
        self._late = late
        while not self.chunks.empty():
            late(self.chunks.get_nowait())

    def cancel_waiting(self) -> None:
        """Withdraw the requests that were not sent yet."""
        for ticket in tuple(self.tickets):
            ticket.withdraw()

    def _flush(self, bug: BaseException | None = None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        chunk = Chunk(self._results, done=not self.tickets, only_slow=self.busy == 0, bug=bug)
        self._results = []
        if self._late is None:
            self.chunks.put(chunk)
        elif chunk.results or bug is not None:
            self._late(chunk)
