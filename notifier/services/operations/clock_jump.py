"""Noticing that the clock was put forward or back: what is due by the wrong clock is not overdue."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from notifier.observability import get_logger
from notifier.services.ports import Clock

_log = get_logger(__name__)
# Slewing moves a clock by half a millisecond a second (adjtime(3)); a step by more is somebody's doing.
_STEP_SECONDS = 2.0


@dataclass
class ClockJumpDetector:
    """Says whether the clock has run evenly for long enough to believe that a worker's time is up.

    A step forward makes every lease look ended while its worker sends: the batch would be sent twice. After a step
    nothing is taken from anybody for as long as a lease lasts; by then whoever lives has recorded what it did.

    Attributes:
        clock: The time of day.
        pause: How long to doubt after a step.
        monotonic: Seconds that nobody can set.
    """

    clock: Clock
    pause: timedelta
    monotonic: Callable[[], float] = time.monotonic
    _offset: float | None = field(default=None, repr=False)
    _doubted_until: float = field(default=float("-inf"), repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def is_steady(self) -> bool:
        """Whether it is steady; to be asked at least once a second, so that a step is noticed when it happens."""
        with self._lock:
            seconds = self.monotonic()
            offset = self.clock().timestamp() - seconds
            step = 0.0 if self._offset is None else offset - self._offset
            self._offset = offset
            if abs(step) > _STEP_SECONDS:
                self._doubted_until = seconds + self.pause.total_seconds()
                _log.warning("clock_jumped", seconds=round(step, 1), hint="leases are extended for a while")
            return seconds >= self._doubted_until
