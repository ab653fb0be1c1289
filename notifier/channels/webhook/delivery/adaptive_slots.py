"""Fast and slow slots: slow requests move aside to free slots for fast ones."""

import asyncio
from collections import deque
from collections.abc import Callable

from notifier.channels.webhook.delivery.limits import SlotLimits

_MEMORY = 0.02  # weight of the newest request in the average
_OUTLIER = 4.0  # a request is slow at this multiple of the average


class Slot:
    """A slot taken by one request; `slow` once the request moved to a slow slot."""

    __slots__ = ("on_slow", "slow", "started")

    def __init__(self, started: float, on_slow: Callable[[], None]) -> None:
        self.started, self.on_slow, self.slow = started, on_slow, False


class AdaptiveConcurrency:
    """The slots of one kind of work, for one event loop.

    A request starts in a fast slot. Once it is slow (see `SlotLimits`) it moves to a slow slot, and
    its fast slot goes to the next waiter. "Slow" is relative to the average: if every response
    takes long, this machine is the bottleneck, and more concurrency would not help. While all slow
    slots are taken, a slow request keeps its fast slot; that is the back-pressure.
    """

    def __init__(self, limits: SlotLimits) -> None:
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._fast: dict[Slot, None] = {}  # in order of start
        self._slow = 0
        self._line: deque[tuple[asyncio.Future[Slot], Callable[[], None]]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._usual = limits.slow_after / _OUTLIER  # average response time (s); starts high

    @property
    def counts(self) -> tuple[int, int, int]:
        """Requests in fast slots, in slow slots, and waiting."""
        return len(self._fast), self._slow, len(self._line)

    async def enter(self, on_slow: Callable[[], None]) -> Slot:
        """Take a fast slot, in order of arrival; `on_slow` is called on a move to a slow slot."""
        if len(self._fast) < self._limits.fast and not self._line:
            return self._admit(on_slow)
        waiter: asyncio.Future[Slot] = self._loop.create_future()
        self._line.append((waiter, on_slow))
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self.leave(waiter.result(), answered=False)
            raise

    def leave(self, slot: Slot, *, answered: bool = True) -> None:
        """Release the slot; `answered` is False if the receiver sent nothing."""
        if answered:
            took = min(self._loop.time() - slot.started, self._limits.slow_after)
            self._usual += (took - self._usual) * _MEMORY
        if not slot.slow:
            del self._fast[slot]
        else:
            self._slow -= 1
            self._move_overdue()
        self._admit_waiting()

    def _admit(self, on_slow: Callable[[], None]) -> Slot:
        slot = Slot(self._loop.time(), on_slow)
        self._fast[slot] = None
        self._watch()
        return slot

    def _admit_waiting(self) -> None:
        while self._line and len(self._fast) < self._limits.fast:
            waiter, on_slow = self._line.popleft()
            if not waiter.done():
                waiter.set_result(self._admit(on_slow))

    def _patience(self) -> float:
        return min(max(self._limits.slow_floor, self._usual * _OUTLIER), self._limits.slow_after)

    def _watch(self) -> None:
        if self._timer is None and self._fast:
            self._timer = self._loop.call_later(self._limits.slow_floor / 2, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._move_overdue()
        self._admit_waiting()
        self._watch()

    def _move_overdue(self) -> None:
        before = self._loop.time() - self._patience()
        while self._fast and self._slow < self._limits.slow:
            oldest = next(iter(self._fast))
            if oldest.started > before:
                break
            del self._fast[oldest]
            oldest.slow = True
            self._slow += 1
            oldest.on_slow()
