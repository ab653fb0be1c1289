"""Rate limits shared by all workers in Redis; while it is down, each process keeps its own."""

import threading
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from redis.client import Pipeline

from notifier.domain.providers.rate_limit import NO_WAIT, RateLimit
from notifier.observability import get_logger
from notifier.queueing.broker import redis_client
from notifier.queueing.circuit import RedisCircuit

_SECONDS = 0.25
_log = get_logger(__name__)
Change = Callable[[RateLimit], tuple[RateLimit, timedelta]]


class LocalRateLimiter:
    """Rate limits of one process. Implements `services.ports.RateLimiter`; thread-safe."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._paces: dict[str, RateLimit] = defaultdict(RateLimit)
        self._lock = threading.Lock()

    def take(self, key: str) -> timedelta:
        """Take one call; return how long to wait if none is allowed now."""
        now = self._clock()
        return self._change(key, lambda pace: pace.take(now))

    def note(self, key: str, *, left: int | None, resets_at: datetime | None) -> None:
        """Record the calls left until `resets_at`, as reported by a provider."""
        now = self._clock()
        if left is not None and resets_at is not None:
            self._change(key, lambda pace: (pace.noted(left, resets_at, now), NO_WAIT))

    def block_until(self, key: str, until: datetime) -> None:
        """Block calls until `until`."""
        now = self._clock()
        self._change(key, lambda pace: (pace.blocked(until, now), NO_WAIT))

    def close(self) -> None:
        """Close connections."""

    def _change(self, key: str, change: Change) -> timedelta:
        with self._lock:
            self._paces[key], wait = change(self._paces[key])
        return wait


class RedisRateLimiter(LocalRateLimiter):
    """Rate limits shared by all workers with this Redis and namespace; lazy, never raises.

    Hosts are expected to agree on the time within a second or so, as the providers' own resets already demand.
    """

    def __init__(self, url: str, namespace: str, clock: Callable[[], datetime]) -> None:
        super().__init__(clock)
        self._client = redis_client(url, timeout=_SECONDS)
        self._prefix = f"notifier:pace:{namespace}:"
        self._circuit = RedisCircuit(
            lambda error: _log.warning("rate_limits_not_shared", error=error, hint="each worker limits its own rate")
        )

    def close(self) -> None:
        """Close connections."""
        self._client.close()

    def _change(self, key: str, change: Change) -> timedelta:
        known_here = super()._change(key, change)
        with self._circuit.attempt() as may:
            if may:
                return self._together(self._prefix + key, change)
        return known_here

    def _together(self, name: str, change: Change) -> timedelta:
        """Change the shared value optimistically: read, decide, write, retry on conflict."""
        wait = NO_WAIT

        def exchange(pipe: Pipeline) -> None:
            nonlocal wait
            before = _pace(pipe.get(name))
            after, wait = change(before)
            pipe.multi()
            if after != before:
                self._write(pipe, name, after)

        self._client.transaction(exchange, name)
        return wait

    def _write(self, pipe: Pipeline, name: str, pace: RateLimit) -> None:
        end = pace.matters_until()
        if end is None:
            pipe.delete(name)
        else:
            kept = max(end - self._clock(), NO_WAIT) + timedelta(seconds=5)
            pipe.set(name, _encoded(pace), px=kept)


def _encoded(pace: RateLimit) -> bytes:
    instants = (pace.resets_at, pace.blocked_until)
    return orjson.dumps([pace.left, *(instant.timestamp() if instant else None for instant in instants)])


def _pace(stored: Any) -> RateLimit:
    """Parse a stored rate limit; one written by another version counts as none."""
    if stored is None:
        return RateLimit()
    try:
        left, resets_at, held_until = orjson.loads(stored)
        return RateLimit(left=left, resets_at=_instant(resets_at), blocked_until=_instant(held_until))
    except (ValueError, TypeError):
        return RateLimit()


def _instant(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, tz=UTC)
