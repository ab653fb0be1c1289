"""A short-lived cache of API keys, to avoid a lookup per request."""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable

from anyio import CapacityLimiter, to_thread

from notifier.services.security.api_keys import ApiKeys, Caller

SECONDS = 5.0  # a revoked key is refused after this time
_SIZE = 1_000
_AT_ONCE = 2  # own threads: producers' keys never wait for readers' pages


class ApiKeyCache:
    """Resolves keys to callers; belongs to one event loop. Caches valid keys only."""

    def __init__(self, keys: ApiKeys, clock: Callable[[], float] = time.monotonic) -> None:
        self._keys, self._clock = keys, clock
        self._limiter = CapacityLimiter(_AT_ONCE)
        self._noting = CapacityLimiter(1)
        self._notes: set[asyncio.Task[None]] = set()
        self._known: OrderedDict[bytes, tuple[float, Caller]] = OrderedDict()

    async def caller(self, presented: str) -> Caller | None:
        """Return the owner of a key; None for an unknown or revoked one.

        Raises:
            UnavailableError: The database does not answer.
        """
        digest = hashlib.sha256(presented.encode("utf-8", "surrogatepass")).digest()
        found = self._known.get(digest)
        if found is not None and self._clock() < found[0]:
            return found[1]
        caller = await to_thread.run_sync(self._keys.authenticate, presented, limiter=self._limiter)
        self._known.pop(digest, None)
        if caller is not None:
            self._known[digest] = (self._clock() + SECONDS, caller)
            self._note_use(caller)
            if len(self._known) > _SIZE:
                self._known.popitem(last=False)
        return caller

    def _note_use(self, caller: Caller) -> None:
        """Record the key's use in the background."""
        task = asyncio.get_running_loop().create_task(
            to_thread.run_sync(self._keys.note_use, caller, limiter=self._noting)
        )
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)
