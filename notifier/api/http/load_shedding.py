"""Load shedding: limit how many requests run and wait; refuse the rest while we still can."""

from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from notifier.api.http.problems import OverloadedError

Answer = TypeVar("Answer")
_FOR_OTHERS = 4  # one caller never takes the last quarter of the places


class LoadShedder:
    """Runs blocking work in its own threads, so that nothing else in the process waits for it."""

    def __init__(self, *, at_once: int, waiting: int) -> None:
        """Allow `at_once` calls to run and `waiting` more to queue."""
        self._limiter = CapacityLimiter(at_once)
        self._most = at_once + waiting
        self._share = self._most - self._most // _FOR_OTHERS
        self._inside = 0
        self._of: Counter[str] = Counter()

    @property
    def is_busy(self) -> bool:
        """Return whether anything runs or waits."""
        return self._inside > 0

    async def run(self, work: Callable[[], Answer], *, who: str | None = None) -> Answer:
        """Run `work` in a thread.

        Args:
            work: A blocking call.
            who: The caller: one caller's flood never takes more than its share of the places.

        Raises:
            OverloadedError: Too many wait, or too many of this caller; nothing was done.
        """
        if self._inside >= self._most or (who is not None and self._of[who] >= self._share):
            raise OverloadedError
        self._inside += 1
        if who is not None:
            self._of[who] += 1
        try:
            return await to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self._inside -= 1
            if who is not None:
                self._of[who] -= 1
                self._of += Counter()  # drops zero counts, so idle callers take no memory
