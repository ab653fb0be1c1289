"""Circuit breaker around our own servers: a dead one costs one wait, not one per call."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from redis.exceptions import RedisError

from notifier.domain.circuit_breaker import CLOSED, BreakerPolicy

_POLICY = BreakerPolicy(threshold=1, pause=0.5, max_pause=5.0, probe=5.0)


class Circuit:
    """After a failure, skip calls for a while; then let one caller probe while others still skip.

    Thread-safe.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._breaker = CLOSED
        self._lock = threading.Lock()

    def may_try(self) -> bool:
        """Whether this caller should try now."""
        with self._lock:
            self._breaker, wait = self._breaker.permit(_POLICY, self._clock())
            return wait is None

    def succeeded(self) -> bool:
        """Record a success; return whether it ends an outage."""
        with self._lock:
            was_open, self._breaker = self._breaker is not CLOSED, CLOSED
            return was_open

    def failed(self) -> bool:
        """Record a failure; return whether it begins an outage."""
        with self._lock:
            begins = self._breaker is CLOSED
            self._breaker = self._breaker.after_failure(_POLICY, self._clock())
            return begins


class RedisCircuit:
    """Circuit breaker of an optional Redis: while it is down, each process works on its own."""

    def __init__(self, on_outage: Callable[[str], object]) -> None:
        """`on_outage` is called once when an outage begins, with the name of the error."""
        self._on_outage = on_outage
        self._circuit = Circuit()

    @contextmanager
    def attempt(self) -> Iterator[bool]:
        """Yield whether to call Redis now; on failure the block ends without raising."""
        if not self._circuit.may_try():
            yield False
            return
        try:
            yield True
        except (RedisError, OSError) as error:
            if self._circuit.failed():
                self._on_outage(type(error).__name__)
        else:
            self._circuit.succeeded()
