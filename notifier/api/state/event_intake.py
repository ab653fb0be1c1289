"""Publishing: answer repeats from memory, store new events, shed load.

An answer is cached only after this process committed it or read it back from the database. So no
repeat is acknowledged from a cache that might outlive the row.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
import structlog

from notifier.api.http.load_shedding import LoadShedder
from notifier.api.http.problems import OverloadedError
from notifier.bootstrap.api_container import ApiContainer
from notifier.domain.errors import UnavailableError
from notifier.domain.values import Outcome
from notifier.inbound.events import parse_event
from notifier.services.events.deduplicate import DedupFilter, repeat_of
from notifier.services.events.ingest import Receipt
from notifier.services.events.intake_log import log_taken
from notifier.services.security.audit import SYSTEM, Actor

_REMEMBERED, _SECONDS = 20_000, 900.0
_AT_ONCE, _AT_ONCE_SQLITE = 8, 2  # SQLite has one writer; a second event is prepared meanwhile
_WAITING = 256
_SOURCE = "api"
# Seconds a repeat waits while new events are in progress: their threads need the interpreter.
_STEP_ASIDE = 0.005


class ReplayCache:
    """Answers to repeats, by digest of their bytes: the newest 20,000, for 15 minutes."""

    def __init__(
        self, size: int = _REMEMBERED, seconds: float = _SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._size, self._seconds, self._clock = size, seconds, clock
        self._answers: OrderedDict[bytes, tuple[float, bytes]] = OrderedDict()

    def get(self, digest: bytes) -> bytes | None:
        """Return the cached answer, if any."""
        found = self._answers.get(digest)
        if found is None or found[0] < self._clock():
            return None
        return found[1]

    def put(self, digest: bytes, answer: bytes) -> None:
        """Cache an answer, evicting the oldest if full."""
        self._answers[digest] = (self._clock() + self._seconds, answer)
        self._answers.move_to_end(digest)
        if len(self._answers) > self._size:
            self._answers.popitem(last=False)


class Publisher(Protocol):
    """Stores events; blocks."""

    def publish(self, body: bytes, actor: Actor, *, guarded: bool) -> Receipt:
        """Parse one event and store it; raises what `EventIntake.take` does."""


class RepeatFinder(Protocol):
    """Finds what is stored (`services.events.deduplicate.Deduplicate`); blocks."""

    def find(self, event_id: str) -> Receipt | None:
        """Return the answer to a repeat of this event; None when it is not stored."""


class Repeats(Protocol):
    """What knows repeats (`bootstrap.inbound_container.InboundContainer`)."""

    @property
    def repeats(self) -> RepeatFinder:
        """Finds what is stored."""

    @property
    def seen(self) -> DedupFilter:
        """The filter for repeats; blocks the first time."""


class EventCounters(Protocol):
    """Counts events (`api.state.metrics.RequestMetrics`)."""

    def event(self, source: str, outcome: str) -> None:
        """Count an event by what came of it."""

    def reused_id(self) -> None:
        """Count an id that comes with other content than before."""


@dataclass(frozen=True)
class JsonPublisher:
    """Parses events and publishes them to an installation."""

    container: ApiContainer

    def publish(self, body: bytes, actor: Actor, *, guarded: bool) -> Receipt:
        """Parse one event and store it; raises what `EventIntake.take` does."""
        event = parse_event(body, now=self.container.clock())
        return self.container.publish(event, actor, guarded=guarded)


def event_gate(*, one_writer: bool) -> LoadShedder:
    """Make the gate in front of a database."""
    return LoadShedder(at_once=_AT_ONCE_SQLITE if one_writer else _AT_ONCE, waiting=_WAITING)


class EventIntake:
    """Takes one event as bytes; belongs to one event loop."""

    def __init__(
        self,
        publisher: Publisher,
        repeats: Repeats,
        counters: EventCounters,
        *,
        load_shedder: LoadShedder,
    ) -> None:
        self._publisher, self._repeats, self._counters = publisher, repeats, counters
        self._seen: DedupFilter | None = None
        self._gate = load_shedder
        self._recent = ReplayCache()
        self._in_hand: dict[bytes, asyncio.Future[None]] = {}
        self._background_tasks: set[asyncio.Task[None]] = set()
        self._making = asyncio.Lock()

    async def take(self, body: bytes, actor: Actor = SYSTEM, *, who: str | None = None, guarded: bool = False) -> bytes:
        """Return the answer as JSON once the event is stored.

        If the same bytes are already in progress, wait for that result.

        Args:
            body: One event as JSON.
            actor: The event's author, for the audit trail; repeats are not attributed.
            who: The caller, whose flood must not shut out others.
            guarded: The caller lacks the scope announce.

        Raises:
            InvalidInputError: Names every invalid field.
            OutdatedError: The incident has an update later than the event's `after`; nothing was
                stored.
            OverloadedError: Too many wait; nothing was stored.
            UnavailableError: The database does not answer; nothing was stored.
        """
        digest = hashlib.blake2b(body, digest_size=16).digest()
        while True:
            answer = self._recent.get(digest)
            if answer is not None:
                self._counters.event(_SOURCE, Outcome.DUPLICATE)
                if self._gate.is_busy:
                    await asyncio.sleep(_STEP_ASIDE)
                return answer
            first = self._in_hand.get(digest)
            if first is None:
                break
            await asyncio.shield(first)  # then check again: the first may have failed
        turn = self._in_hand[digest] = asyncio.get_running_loop().create_future()
        try:
            return await self._taken(digest, lambda: self._publisher.publish(body, actor, guarded=guarded), actor, who)
        finally:
            del self._in_hand[digest]
            turn.set_result(None)

    async def _taken(self, digest: bytes, take: Callable[[], Receipt], actor: Actor, who: str | None) -> bytes:
        repeat = await self._seen_before(digest)
        receipt = repeat if repeat is not None else await self._gate.run(take, who=who)
        structlog.contextvars.bind_contextvars(event_id=receipt.event_id, incident_id=receipt.incident_id)
        log_taken(receipt, actor)
        self._recent.put(digest, _json(repeat_of(receipt)))
        self._counters.event(_SOURCE, receipt.outcome)
        if receipt.reused:
            self._counters.reused_id()
        elif repeat is None:
            self._spawn(self._remember(digest, receipt.event_id))
        return _json(receipt)

    async def _seen_before(self, digest: bytes) -> Receipt | None:
        if self._seen is None:
            return None
        event_id = await self._seen.find(digest.hex())
        return await self._gate.run(lambda: self._repeats.repeats.find(event_id)) if event_id else None

    async def _remember(self, digest: bytes, event_id: str) -> None:
        try:
            async with self._making:
                seen = self._seen if self._seen is not None else await self._gate.run(lambda: self._repeats.seen)
                self._seen = seen
        except (OverloadedError, UnavailableError):
            return  # the next event tries again
        await seen.remember(digest.hex(), event_id)

    def _spawn(self, chore: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(chore)
        self._background_tasks.add(task)
        task.add_done_callback(self._background_tasks.discard)

    async def close(self) -> None:
        """Finish background tasks and close connections."""
        if self._background_tasks:
            await asyncio.wait(self._background_tasks, timeout=1)
        if self._seen is not None:
            await self._seen.close()


def _json(receipt: Receipt) -> bytes:
    return orjson.dumps(receipt.as_json())
