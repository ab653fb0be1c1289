"""Publishing: answer repeats from memory, store new events, shed load.

An answer is cached only after this process committed it or read it back from the database. So no
repeat is acknowledged from a cache that might outlive the row.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
import structlog

from notifier.api.http.load_shedding import LoadShedder
from notifier.api.http.problems import OverloadedError
from notifier.domain.errors import UnavailableError
from notifier.domain.values import Outcome
from notifier.services.events.deduplicate import DedupFilter, Deduplicate, repeat_of
from notifier.services.events.ingest import Receipt
from notifier.services.events.intake_log import log_taken
from notifier.services.security.audit import SYSTEM, Actor

_REMEMBERED, _SECONDS = 20_000, 900.0
_AT_ONCE, _AT_ONCE_SQLITE = 8, 2  # SQLite has one writer; a second event is prepared meanwhile
_WAITING = 256
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


class EventIntake:
    """Takes one event as bytes; belongs to one event loop."""

    def __init__(
        self,
        publish: Callable[[bytes, Actor, bool], Receipt],
        repeats: Deduplicate,
        seen: Callable[[], DedupFilter],
        *,
        count: Callable[[Outcome], None],
        count_reused: Callable[[], None],
        one_writer: bool,
    ) -> None:
        """Wrap the blocking use case `publish`.

        Args:
            publish: Stores one event.
            repeats: Answers a repeat by the id of the first event.
            seen: Builds the shared filter; called in a thread, until it succeeds once.
            count: Called with every outcome.
            count_reused: Called for an event id that was used before with other content.
            one_writer: The database is SQLite.
        """
        self._publish, self._repeats, self._make_seen = publish, repeats, seen
        self._count, self._count_reused = count, count_reused
        self._seen: DedupFilter | None = None
        self._gate = LoadShedder(at_once=_AT_ONCE_SQLITE if one_writer else _AT_ONCE, waiting=_WAITING)
        self._recent = ReplayCache()
        self._in_hand: dict[bytes, asyncio.Future[None]] = {}
        self._background_tasks: set[asyncio.Task[None]] = set()
        self._making = asyncio.Lock()

    async def __call__(
        self, body: bytes, actor: Actor = SYSTEM, *, who: str | None = None, guarded: bool = False
    ) -> bytes:
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
                self._count(Outcome.DUPLICATE)
                if self._gate.is_busy:
                    await asyncio.sleep(_STEP_ASIDE)
                return answer
            first = self._in_hand.get(digest)
            if first is None:
                break
            await asyncio.shield(first)  # then check again: the first may have failed
        turn = self._in_hand[digest] = asyncio.get_running_loop().create_future()
        try:
            return await self._taken(digest, lambda: self._publish(body, actor, guarded), actor, who)
        finally:
            del self._in_hand[digest]
            turn.set_result(None)

    async def _taken(self, digest: bytes, take: Callable[[], Receipt], actor: Actor, who: str | None) -> bytes:
        repeat = await self._seen_before(digest)
        receipt = repeat if repeat is not None else await self._gate.run(take, who=who)
        structlog.contextvars.bind_contextvars(event_id=receipt.event_id, incident_id=receipt.incident_id)
        log_taken(receipt, actor)
        self._recent.put(digest, _json(repeat_of(receipt)))
        self._count(receipt.outcome)
        if receipt.reused:
            self._count_reused()
        elif repeat is None:
            self._spawn(self._remember(digest, receipt.event_id))
        return _json(receipt)

    async def _seen_before(self, digest: bytes) -> Receipt | None:
        if self._seen is None:
            return None
        event_id = await self._seen.find(digest.hex())
        return await self._gate.run(lambda: self._repeats(event_id)) if event_id else None

    async def _remember(self, digest: bytes, event_id: str) -> None:
        try:
            async with self._making:
                seen = self._seen if self._seen is not None else await self._gate.run(self._make_seen)
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
