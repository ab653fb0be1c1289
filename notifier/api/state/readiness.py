"""Readiness, asked by anybody as often as they like: one look at a store answers everybody who asks within a second."""

import asyncio
import time
from collections.abc import Callable, Mapping

from anyio import CapacityLimiter, to_thread

OK = "ok"
_KEPT_SECONDS = 1.0
_PATIENCE = 0.5  # who asks meanwhile gets the answer before, so that a slow store makes no slow probe
SLOW_SECONDS = 3.0  # a store that takes this long cannot do its work


class Look:
    """One store. The look itself blocks, in a thread of its own; belongs to one event loop."""

    def __init__(self, look: Callable[[], str], clock: Callable[[], float] = time.monotonic) -> None:
        """Look with `look`, which says `ok`, or what is wrong in one sentence."""
        self._look, self._clock = look, clock
        self._limiter = CapacityLimiter(1)
        self._found: str | None = None
        self._began, self._until = 0.0, float("-inf")
        self._task: asyncio.Task[None] | None = None

    async def __call__(self) -> str:
        """Return what the store says."""
        if self._task is None and self._clock() >= self._until:
            self._began = self._clock()
            self._task = asyncio.get_running_loop().create_task(self._ask())
        while (task := self._task) is not None:
            done, _ = await asyncio.wait({task}, timeout=_PATIENCE)
            if done:
                task.result()  # a fault that is none of the store's is raised here
            elif self._clock() - self._began >= SLOW_SECONDS:
                return f"no answer within {SLOW_SECONDS:g} seconds"
            elif self._found is not None:
                break
        return self._found or OK

    async def _ask(self) -> None:
        try:
            self._found = await to_thread.run_sync(self._look, limiter=self._limiter, abandon_on_cancel=True)
        finally:
            self._until, self._task = self._clock() + _KEPT_SECONDS, None


class Readiness:
    """What each store of this process says."""

    def __init__(self, looks: Mapping[str, Callable[[], str]], clock: Callable[[], float] = time.monotonic) -> None:
        """Take a look for each store by its name."""
        self._looks = {name: Look(look, clock) for name, look in looks.items()}

    async def __call__(self) -> dict[str, str]:
        """Return what each store says."""
        said = await asyncio.gather(*(look() for look in self._looks.values()))
        return dict(zip(self._looks, said, strict=True))
