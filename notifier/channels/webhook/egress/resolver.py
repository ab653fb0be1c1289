"""Resolve names for attempts: with a time-out, shared between attempts, cached briefly."""

import asyncio
import contextlib
import queue
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence

from notifier.channels.webhook.delivery.keyed_semaphore import KeyedSemaphore
from notifier.channels.webhook.egress.url_policy import VettedUrl
from notifier.domain.errors import TransientDeliveryError
from notifier.domain.values import Reason

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]  # name, port -> addresses; raises OSError
_THREADS = 32
_SHORT_LABEL = 3
_PER_ZONE = 8  # threads that a zone with an unresponsive name server may block
_Answer = tuple[str, ...] | str  # addresses, or why there are none
_Job = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Sequence[str]]", str, int]


class SystemLookup:
    """Runs `getaddrinfo` in its own threads: a slow name server blocks neither loop nor exit.

    The event loop's default executor has few, shared threads, and Python joins them at exit.
    """

    def __init__(self, threads: int = _THREADS) -> None:
        self._threads = threads
        self._started = 0
        self._idle = 0  # idle threads minus queued jobs
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._lock = threading.Lock()

    async def __call__(self, name: str, port: int) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Sequence[str]] = loop.create_future()
        with self._lock:
            if self._idle <= 0 and self._started < self._threads:
                self._started += 1
                threading.Thread(target=self._work, name=f"webhook-dns-{self._started}", daemon=True).start()
            else:
                self._idle -= 1
        self._jobs.put((loop, answer, name, port))
        return await answer

    def _work(self) -> None:
        while True:
            loop, answer, name, port = self._jobs.get()
            try:
                found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
            except (OSError, UnicodeError) as error:
                outcome: Sequence[str] | OSError = error if isinstance(error, OSError) else OSError(str(error))
            else:
                outcome = [str(entry[4][0]) for entry in found]
            with self._lock:
                self._idle += 1
            with contextlib.suppress(RuntimeError):  # the loop has been closed
                loop.call_soon_threadsafe(_settle, answer, outcome)


def _settle(answer: "asyncio.Future[Sequence[str]]", outcome: Sequence[str] | OSError) -> None:
    if answer.done():
        return
    if isinstance(outcome, OSError):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)


class Resolver:
    """Caches at most `names` results: answers for `ttl` seconds, failures for `failure_ttl`."""

    def __init__(
        self,
        lookup: Lookup,
        *,
        timeout: float,
        ttl: float,
        failure_ttl: float,
        names: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lookup, self._timeout, self._ttl, self._failure_ttl = lookup, timeout, ttl, failure_ttl
        self._names, self._clock = names, clock
        self._known: OrderedDict[str, tuple[float, _Answer]] = OrderedDict()
        self._running: dict[str, asyncio.Task[_Answer]] = {}
        self._zones = KeyedSemaphore(_PER_ZONE)

    async def addresses(self, url: VettedUrl) -> tuple[str, ...]:
        """Return all addresses of the URL's host, unvetted; a literal address as it is.

        Raises:
            TransientDeliveryError: `unreachable` (no such name), `timed_out`.
        """
        if url.literal is not None:
            return (url.host,)
        answer = self._fresh(url.host)
        if answer is None:
            answer = await self._ask(url.host, url.port)
        if isinstance(answer, str):
            raise TransientDeliveryError(Reason.UNREACHABLE, f"{url.host}: {answer}")
        return answer

    def _fresh(self, name: str) -> _Answer | None:
        known = self._known.get(name)
        return known[1] if known is not None and self._clock() < known[0] else None

    async def _ask(self, name: str, port: int) -> _Answer:
        task = self._running.get(name)
        if task is None:
            task = self._running[name] = asyncio.create_task(self._look_up(name, port))
        # Do not cancel the lookup: its thread stays busy anyway, and the next attempt may use it.
        _, pending = await asyncio.wait([task], timeout=self._timeout)
        if pending:
            raise TransientDeliveryError(Reason.TIMED_OUT, f"{name}: no answer from DNS within {self._timeout:g} s")
        return task.result()

    async def _look_up(self, name: str, port: int) -> _Answer:
        zone = _zone(name)
        await self._zones.enter(zone)
        try:
            return self._keep(name, tuple(await self._lookup(name, port)), self._ttl)
        except OSError as error:
            return self._keep(name, error.strerror or "the name does not resolve", self._failure_ttl)
        finally:
            self._zones.leave(zone)
            del self._running[name]

    def _keep(self, name: str, answer: _Answer, ttl: float) -> _Answer:
        self._known[name] = (self._clock() + ttl, answer)
        self._known.move_to_end(name)
        if len(self._known) > self._names:
            self._known.popitem(last=False)
        return answer


def _zone(name: str) -> str:
    """Guess the zone of a name: two labels, or three under a short second level such as co.uk."""
    labels = name.split(".")
    return ".".join(labels[-3:] if len(labels[-2:][0]) <= _SHORT_LABEL else labels[-2:])
