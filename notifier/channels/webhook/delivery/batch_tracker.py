"""One batch in progress: tracks open requests and hands over results in chunks."""

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
    """Results so far. `done`: all is settled; `only_slow`: what is left is not in the fast lane; `bug`: ours."""

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
    """One request's part in its batch: what the sender reports while it works on it."""

    __slots__ = ("_batch", "_counted", "begun", "request", "started", "task", "withdrawn")

    def __init__(self, batch: "BatchTracker", request: HookRequest) -> None:
        self._batch, self.request = batch, request
        self._counted = True
        self.begun = self.started = self.withdrawn = False  # at work; sent; no longer wanted
        self.task: asyncio.Task[None] | None = None

    def start(self) -> bool:
        """Record that it is being sent; return False if it may not be."""
        self.started = self._batch.may_start()
        return self.started

    def withdraw(self) -> None:
        """Give it back unless it was sent."""
        if self.started:
            return
        self.withdrawn = True
        if self.begun and self.task is not None:  # a task that never ran would be cancelled without a result
            self.task.cancel()

    def step_aside(self) -> None:
        """It waits for an earlier message to the same receiver, or takes long: the batch need not wait for it."""
        if self._counted:
            self._counted = False
            self._batch.one_less_busy()

    def step_back(self) -> None:
        """It is in the fast lane again, or on its way there."""
        if not self._counted:
            self._counted = True
            self._batch.busy += 1

    def settle(self, result: HookResult) -> None:
        """Record the result of its attempt."""
        self._batch.settle(self, result)
        self.step_aside()

    def check(self, task: "asyncio.Task[None]") -> None:
        """The task ended: an exception in it is a bug of ours and goes to the caller."""
        if not task.cancelled() and (bug := task.exception()) is not None:
            self._batch.crash(self, bug)


class BatchTracker:
    """The requests of one call, inside the event loop; chunks go to `chunks`, or to a callback once it is detached."""

    def __init__(
        self, requests: Sequence[HookRequest], limits: EngineLimits, may_start: Callable[[], bool] = lambda: True
    ) -> None:
        self.may_start = may_start
        self.tickets = {Ticket(self, request): None for request in requests}  # those not settled
        self.busy = len(self.tickets)
        self.chunks: queue.SimpleQueue[Chunk] = queue.SimpleQueue()
        self._limits = limits
        self._results: list[HookResult] = []
        self._timer: asyncio.TimerHandle | None = None
        self._late: Callable[[Chunk], None] | None = None

    def one_less_busy(self) -> None:
        """A request left the fast lane; when it was the last one the caller may want to know at once."""
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
        """Report a bug to the caller; the rest of the batch goes on."""
        del self.tickets[ticket]
        self._flush(bug)

    def detach(self, late: Callable[[Chunk], None]) -> None:
        """Nobody waits at the queue any more: hand what is left, and all that follows, to `late`."""
        self._late = late
        while not self.chunks.empty():
            late(self.chunks.get_nowait())

    def cancel_waiting(self) -> None:
        """Return the requests that have not begun."""
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
