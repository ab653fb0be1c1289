"""A circuit breaker as a value: closed, open for a while, then one probe at a time."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """State of one circuit. Opens after `threshold` failures in a row; each failed probe doubles the pause."""

    threshold: int = 3
    pause: timedelta = timedelta(seconds=15)
    max_pause: timedelta = timedelta(minutes=5)
    failures: int = 0
    open_until: datetime | None = None

    def allows(self, now: datetime) -> bool:
        """Whether a request may be tried now (closed, or the pause is over and a probe is due)."""
        return self.open_until is None or now >= self.open_until

    def probing(self, now: datetime, seconds: float) -> "Breaker":
        """Let one request through an open circuit: others go on waiting, until its outcome or for so long."""
        return self if self.open_until is None else replace(self, open_until=now + timedelta(seconds=seconds))

    def after_success(self) -> "Breaker":
        """One success closes the circuit."""
        return replace(self, failures=0, open_until=None)

    def after_failure(self, now: datetime, *, at_once: bool = False) -> "Breaker":
        """Count a failure; `at_once` opens the circuit without waiting for the threshold."""
        failures = max(self.failures + 1, self.threshold if at_once else 0)
        if failures < self.threshold:
            return replace(self, failures=failures)
        pause = min(self.pause * 2 ** min(failures - self.threshold, 10), self.max_pause)
        return replace(self, failures=failures, open_until=now + pause)
