"""A circuit breaker as a value: closed, open, half-open. Time is in seconds on the caller's clock.

Used for webhook endpoints and hosts, for the broker, and for Redis. The breaker of a mail provider
or a social account (`domain/providers/breaker.py`) is a row shared by all workers; it follows the
same policy.
"""

from dataclasses import dataclass, replace

_PROBE_WAIT = 1.0  # seconds, when the other side named a retry time and a probe is under way


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerPolicy:
    """Opens after `threshold` consecutive failures for `pause` seconds.

    The pause doubles up to `max_pause` while probes fail.

    If a probe has not ended after `probe` seconds, another one is allowed.
    """

    threshold: int
    pause: float = 30.0
    max_pause: float = 600.0
    probe: float = 60.0

    def pause_after(self, failures: int, *, last: float = 0.0) -> float:
        """Return how many seconds to stay open after `failures` consecutive failures.

        `last` is the previous pause; 0 means none.
        """
        if failures < self.threshold:
            return 0.0
        return min(last * 2, self.max_pause) if last else self.pause


@dataclass(frozen=True, slots=True)
class CircuitBreaker:
    """`open_until` is None while closed; `probe_until` is set while a probe is in progress.

    `failed_at`: when the newest failed attempt began, in Unix time so that processes can compare
    it.
    """

    failures: int = 0
    open_until: float | None = None
    pause: float = 0.0
    probe_until: float | None = None
    failed_at: float = 0.0

    def permit(self, policy: BreakerPolicy, now: float) -> tuple["CircuitBreaker", float | None]:
        """Request one attempt.

        Return the next state, and None if allowed or else the seconds to wait.

        After the pause one attempt is let through; until its outcome is known, others wait another
        pause.
        """
        if self.open_until is None:
            return self, None
        if now < self.open_until:
            return self, self.open_until - now
        if self.probe_until is not None and now < self.probe_until:
            return self, self.pause or _PROBE_WAIT
        return replace(self, probe_until=now + policy.probe), None

    def after_failure(
        self, policy: BreakerPolicy, now: float, *, at_least: float = 0.0, began_at: float = 0.0
    ) -> "CircuitBreaker":
        """Count a failure.

        Open at the threshold, or at once if the other side set a wait (`at_least`).
        """
        counted = replace(self, failures=self.failures + 1, failed_at=max(self.failed_at, began_at))
        if self.open_until is not None and self.probe_until is None:
            return counted  # the attempt began before the circuit opened
        pause = policy.pause_after(counted.failures, last=self.pause)
        wait = max(pause, at_least)
        return replace(counted, open_until=now + wait if wait > 0 else None, pause=pause, probe_until=None)

    def after_nothing(self) -> "CircuitBreaker":
        """Record that a permitted attempt was inconclusive: the next one may probe."""
        return replace(self, probe_until=None)


CLOSED = CircuitBreaker()
