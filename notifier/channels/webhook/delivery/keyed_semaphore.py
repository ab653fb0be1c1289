"""A FIFO semaphore per key; a full key does not block other keys."""

import asyncio
from collections import deque
from collections.abc import Hashable


class KeyedSemaphore:
    """Permits per key. A released permit goes to the next waiter, so none can jump the queue."""

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._inside: dict[Hashable, int] = {}
        self._lines: dict[Hashable, deque[asyncio.Future[None]]] = {}

    def __len__(self) -> int:
        return len(self._inside)

    def try_enter(self, key: Hashable) -> bool:
        """Take a permit if one is free."""
        inside = self._inside.get(key, 0)
        if inside >= self._cap:
            return False
        self._inside[key] = inside + 1
        return True

    async def enter(self, key: Hashable) -> None:
        """Take a permit, in order of arrival."""
        if self.try_enter(key):
            return
        waiter = asyncio.get_running_loop().create_future()
        self._lines.setdefault(key, deque()).append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self.leave(key)  # the permit was passed on at the same moment
            raise

    def leave(self, key: Hashable) -> None:
        """Pass the permit to the next waiter, or release it."""
        line = self._lines.get(key)
        while line:
            waiter = line.popleft()
            if not line:
                del self._lines[key]
            if not waiter.done():
                waiter.set_result(None)
                return
        inside = self._inside[key] - 1
        if inside:
            self._inside[key] = inside
        else:
            del self._inside[key]
