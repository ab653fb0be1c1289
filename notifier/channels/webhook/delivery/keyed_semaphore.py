"""At most so many at once per key, in order of arrival; a full key holds up no other key."""

import asyncio
from collections import deque
from collections.abc import Hashable


class KeyedSemaphore:
    """Places per key. Whoever leaves hands the place to the next in line, so nobody can slip in between."""

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._inside: dict[Hashable, int] = {}
        self._lines: dict[Hashable, deque[asyncio.Future[None]]] = {}

    def __len__(self) -> int:
        return len(self._inside)

    def try_enter(self, key: Hashable) -> bool:
        """Take a place if there is one now."""
        inside = self._inside.get(key, 0)
        if inside >= self._cap:
            return False
        self._inside[key] = inside + 1
        return True

    async def enter(self, key: Hashable) -> None:
        """Take a place, waiting in line for it."""
        if self.try_enter(key):
            return
        place = asyncio.get_running_loop().create_future()
        self._lines.setdefault(key, deque()).append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.leave(key)  # it was handed over in the same moment
            raise

    def leave(self, key: Hashable) -> None:
        """Give the place to the next in line, or back."""
        line = self._lines.get(key)
        while line:
            place = line.popleft()
            if not line:
                del self._lines[key]
            if not place.done():
                place.set_result(None)
                return
        inside = self._inside[key] - 1
        if inside:
            self._inside[key] = inside
        else:
            del self._inside[key]
