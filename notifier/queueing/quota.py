"""Usage quotas, counted in Redis for all processes, or per process while Redis is down.

Fixed windows: around a boundary up to twice the number passes, which is good enough against mass
sign-up.
"""

import threading
import time
from collections.abc import Callable

from notifier.observability import get_logger
from notifier.queueing.broker import redis_client
from notifier.queueing.circuit import RedisCircuit

_SECONDS = 0.2
_MOST_NAMES = 10_000
_log = get_logger(__name__)


class RedisQuota:
    """Counts uses by name. Thread-safe; never raises Redis errors."""

    def __init__(self, url: str, namespace: str, clock: Callable[[], float] = time.time) -> None:
        """Connect on first use; `namespace` keeps installations that share a Redis apart."""
        self._client = redis_client(url, timeout=_SECONDS)
        self._prefix = f"notifier:quota:{namespace}:"
        self._circuit = RedisCircuit(
            lambda error: _log.info("quota_not_shared", error=error, hint="each process counts alone")
        )
        self._clock = clock
        self._own = _OwnCount()

    def take(self, name: str, *, most: int, seconds: int) -> bool:
        """Count one use of `name`; whether it is within `most` uses in `seconds`."""
        window = int(self._clock() // seconds)
        counted = self._counted(f"{self._prefix}{name}:{seconds}:{window}", seconds)
        if counted is None:
            counted = self._own.add(name, window)
        return counted <= most

    def is_spent(self, name: str, *, most: int, seconds: int) -> bool:
        """Whether `name` was used `most` times or more in this window; counts nothing."""
        window = int(self._clock() // seconds)
        key = f"{self._prefix}{name}:{seconds}:{window}"
        counted = 0
        with self._circuit.attempt() as may:
            if may:
                counted = int(self._client.get(key) or 0)
        return max(counted, self._own.of(name, window)) >= most

    def _counted(self, key: str, seconds: int) -> int | None:
        with self._circuit.attempt() as may:
            if may:
                with self._client.pipeline(transaction=True) as pipeline:
                    pipeline.incr(key)
                    pipeline.expire(key, 2 * seconds)
                    counted, _ = pipeline.execute()
                return int(counted)
        return None

    def close(self) -> None:
        """Close connections."""
        self._client.close()


class _OwnCount:
    """Per-process counts. If a window has too many names, the new ones share one count."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, tuple[int, int]] = {}

    def of(self, name: str, window: int) -> int:
        with self._lock:
            since, counted = self._counts.get(name, (window, 0))
            return counted if since == window else 0

    def add(self, name: str, window: int) -> int:
        with self._lock:
            if name not in self._counts and len(self._counts) >= _MOST_NAMES:
                self._counts = {key: value for key, value in self._counts.items() if value[0] == window}
                name = name if len(self._counts) < _MOST_NAMES else ""
            since, counted = self._counts.get(name, (window, 0))
            counted = counted + 1 if since == window else 1
            self._counts[name] = (window, counted)
            return counted
