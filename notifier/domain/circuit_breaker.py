"""A circuit breaker as a value: closed, open, half-open. Time is a number of seconds that the caller counts.

Used for webhook endpoints and hosts, for the broker, and for Redis. The circuit of a mail provider or a social account
(`domain/providers/breaker.py`) is a row that all workers share; it opens and pauses by the same policy.
"""

from dataclasses import dataclass, replace

_PROBE_WAIT = 1.0  # seconds, where the other side said when to come back and the first one to do so is under way


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerPolicy:
    """Opens after `threshold` failures in a row for `pause` seconds, doubling up to `max_pause` while probes fail.

    A probe that has not ended after `probe` seconds is followed by another.
    """

    threshold: int
    pause: float = 30.0
    max_pause: float = 600.0
    probe: float = 60.0

    def pause_after(self, failures: int, *, last: float = 0.0) -> float:
        """Return for how many seconds so many failures in a row open the circuit; `last`: the pause before, 0 none."""
        if failures < self.threshold:
            return 0.0
        return min(last * 2, self.max_pause) if last else self.pause


@dataclass(frozen=True, slots=True)
class CircuitBreaker:
    """`open_until` is None while closed; `probe_until` is set while one attempt finds out whether it may close.

    `failed_at`: when the newest of the attempts that failed began, in Unix time, which other processes know too.
    """

    failures: int = 0
    open_until: float | None = None
    pause: float = 0.0
    probe_until: float | None = None
    failed_at: float = 0.0

    def permit(self, policy: BreakerPolicy, now: float) -> tuple["CircuitBreaker", float | None]:
        """Ask for one attempt: the next state, and None for yes or the seconds to wait for no.

        After the pause one attempt is let through; until its outcome is known the others wait another pause.
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
        """Count a failure; open at the threshold, and at once where the other side said how long (`at_least`)."""
        counted = replace(self, failures=self.failures + 1, failed_at=max(self.failed_at, began_at))
        if self.open_until is not None and self.probe_until is None:
            return counted  # an attempt that had begun before it opened
        pause = policy.pause_after(counted.failures, last=self.pause)
        wait = max(pause, at_least)
        return replace(counted, open_until=now + wait if wait > 0 else None, pause=pause, probe_until=None)

    def after_nothing(self) -> "CircuitBreaker":
        """Note that an attempt that was let through told nothing of the other side: the next one may probe."""
        return replace(self, probe_until=None)


CLOSED = CircuitBreaker()
