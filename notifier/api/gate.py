"""Load shedding: only so many at once, only so many waiting; the next is told to come again while we still can."""

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from notifier.api.problems import OverloadedError

Answer = TypeVar("Answer")


class Gate:
    """Runs blocking work in threads of its own, so that nothing else of the process waits for it."""

    def __init__(self, *, at_once: int, waiting: int) -> None:
        """Let `at_once` run and `waiting` more wait for their turn."""
        self._limiter = CapacityLimiter(at_once)
        self._most = at_once + waiting
        self._inside = 0

    @property
    def is_busy(self) -> bool:
        """Whether anything runs or waits."""
        return self._inside > 0

    async def run(self, work: Callable[[], Answer]) -> Answer:
        """Do the work in a thread.

        Raises:
            OverloadedError: too many wait already; nothing was done.
        """
        if self._inside >= self._most:
            raise OverloadedError
        self._inside += 1
        try:
            return await to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self._inside -= 1
