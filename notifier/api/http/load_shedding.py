"""Load shedding: only so many at once, only so many waiting; the next is told to come again while we still can."""

from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from notifier.api.http.problems import OverloadedError

Answer = TypeVar("Answer")
_FOR_OTHERS = 4  # a quarter of the places is never any one caller's


class LoadShedder:
    """Runs blocking work in threads of its own, so that nothing else of the process waits for it."""

    def __init__(self, *, at_once: int, waiting: int) -> None:
        """Let `at_once` run and `waiting` more wait for their turn."""
        self._limiter = CapacityLimiter(at_once)
        self._most = at_once + waiting
        self._share = self._most - self._most // _FOR_OTHERS
        self._inside = 0
        self._of: Counter[str] = Counter()

    @property
    def is_busy(self) -> bool:
        """Whether anything runs or waits."""
        return self._inside > 0

    async def run(self, work: Callable[[], Answer], *, who: str | None = None) -> Answer:
        """Do the work in a thread.

        Args:
            work: What blocks.
            who: On whose behalf: one caller's flood never takes more than its share of the places.

        Raises:
            OverloadedError: too many wait already, or too many of this caller; nothing was done.
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
                self._of += Counter()  # whoever has nothing in here takes no memory
