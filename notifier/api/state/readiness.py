"""Readiness checks. Anyone may ask any number of times: one check a second serves all."""

import asyncio
import time
from collections.abc import Callable, Mapping

from anyio import CapacityLimiter, to_thread

from notifier.services.ports import StoreCheck

OK = "ok"
_KEPT_SECONDS = 1.0
_PATIENCE = 0.5  # then return the previous answer, so that a slow store makes no slow probe
SLOW_SECONDS = 3.0  # slower than this, a store counts as failed


class Look:
    """The check of one store. It blocks, in its own thread; belongs to one event loop."""

    def __init__(self, store: StoreCheck, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._clock = store, clock
        self._limiter = CapacityLimiter(1)
        self._found: str | None = None
        self._began, self._until = 0.0, float("-inf")
        self._task: asyncio.Task[None] | None = None

    async def ask(self) -> str:
        """Return the latest result: `ok`, or one sentence about the problem."""
        if self._task is None and self._clock() >= self._until:
            self._began = self._clock()
            self._task = asyncio.get_running_loop().create_task(self._ask())
        while (task := self._task) is not None:
            done, _ = await asyncio.wait({task}, timeout=_PATIENCE)
            if done:
                task.result()  # raises errors other than the store's
            elif self._clock() - self._began >= SLOW_SECONDS:
                return f"no answer within {SLOW_SECONDS:g} seconds"
            elif self._found is not None:
                break
        return self._found or OK

    async def _ask(self) -> None:
        try:
            check = self._store.trouble
            self._found = await to_thread.run_sync(check, limiter=self._limiter, abandon_on_cancel=True) or OK
        finally:
            self._until, self._task = self._clock() + _KEPT_SECONDS, None


class Readiness:
    """The checks of all stores this process uses."""

    def __init__(self, stores: Mapping[str, StoreCheck], clock: Callable[[], float] = time.monotonic) -> None:
        """Create a check for each store, by its name."""
        self._looks = {name: Look(store, clock) for name, store in stores.items()}

    async def ask(self) -> dict[str, str]:
        """Return the result of each check by name."""
        states = await asyncio.gather(*(look.ask() for look in self._looks.values()))
        return dict(zip(self._looks, states, strict=True))
