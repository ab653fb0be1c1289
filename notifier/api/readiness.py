"""Readiness, asked by anybody as often as they like."""

import threading
import time
from collections.abc import Callable

_SECONDS = 1.0


class Readiness:
    """One look at the stores answers everybody who asks within a second."""

    def __init__(self, look: Callable[[], dict[str, str]], clock: Callable[[], float] = time.monotonic) -> None:
        self._look, self._clock = look, clock
        self._lock = threading.Lock()
        self._found: dict[str, str] = {}
        self._until = float("-inf")

    def __call__(self) -> dict[str, str]:
        """Return what each store says."""
        with self._lock:
            if self._clock() >= self._until:
                self._found = self._look()
                self._until = self._clock() + _SECONDS
            return self._found
