"""Detect clock jumps: work due by a wrong clock is not overdue."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from notifier.observability import get_logger
from notifier.services.ports import Clock

_log = get_logger(__name__)
# Slewing moves a clock by half a millisecond per second (adjtime(3)); more than that is a step.
_STEP_SECONDS = 2.0


@dataclass
class ClockJumpDetector:
    """Whether the clock has run steadily for long enough to trust expired leases.

    After a step forward, every lease looks expired while its worker still sends: the batch would be
    sent twice. So no lease is ended until one lease's duration after a step. By then, live workers
    have recorded their outcomes.

    Attributes:
        clock: Wall clock.
        pause: How long to distrust the clock after a step.
        monotonic: Seconds of a clock that cannot be set.
    """

    clock: Clock
    pause: timedelta
    monotonic: Callable[[], float] = time.monotonic
    _offset: float | None = field(default=None, repr=False)
    _doubted_until: float = field(default=float("-inf"), repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def is_steady(self) -> bool:
        """Whether the clock is steady. Call this every second, to notice a step at once."""
        with self._lock:
            seconds = self.monotonic()
            offset = self.clock().timestamp() - seconds
            step = 0.0 if self._offset is None else offset - self._offset
            self._offset = offset
            if abs(step) > _STEP_SECONDS:
                self._doubted_until = seconds + self.pause.total_seconds()
                _log.warning("clock_jumped", seconds=round(step, 1), hint="leases are extended for a while")
            return seconds >= self._doubted_until
