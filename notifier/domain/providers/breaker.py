"""A provider's circuit breaker, shared by all workers: closed, or open and probed by one batch.

Why the workers share it, and what a probe is: docs/decisions/0015-shared-circuits.md.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from notifier.domain.circuit_breaker import BreakerPolicy
from notifier.domain.errors import ChannelStoppedError, DeliveryError
from notifier.domain.providers.retry import STOPPED_PAUSE
from notifier.domain.values import Reason

PROBE_PAUSE = timedelta(seconds=2)
# An unanswered probe costs its batch the whole time-out: probe rarely if another provider works.
SILENT_PAUSE = timedelta(minutes=1)
_FAILING = BreakerPolicy(threshold=3, pause=PROBE_PAUSE.total_seconds())
# Open already, or nothing was answered in time.
_OPEN = replace(_FAILING, threshold=1)
_SILENT = BreakerPolicy(threshold=1, pause=SILENT_PAUSE.total_seconds())
_STOPPED = BreakerPolicy(threshold=1, pause=STOPPED_PAUSE.total_seconds())
# Reasons of queued batches that wait for the provider to recover. Not included: unknown outcomes
# that wait for evidence, a wait the provider asked for, quiet hours, an earlier message, a
# translation.
WAITS_FOR_PROVIDER = frozenset(
    {
        Reason.BREAKER_OPEN,
        Reason.SERVER_ERROR,
        Reason.UNREACHABLE,
        Reason.TIMED_OUT,
        Reason.REDIRECTED,
        Reason.BLOCKED_TARGET,
        Reason.AUTH,
        Reason.REJECTED,
    }
)
# A rejected request says nothing about the next one.
_ABOUT_THE_REQUEST = frozenset({Reason.TOO_LARGE, Reason.REJECTED, Reason.BAD_ADDRESS, Reason.RATE_LIMITED})


class ProviderState(StrEnum):
    """State of a provider or a social account."""

    OK = "ok"
    FAILING = "failing"  # no answer, or server errors: probed every two seconds
    STOPPED = "stopped"  # an operator must act (credentials, credits): probed every minute


def blames_provider(error: DeliveryError) -> bool:
    """Whether a failure suggests that the next request would fail too."""
    return isinstance(error, ChannelStoppedError) or error.reason not in _ABOUT_THE_REQUEST


@dataclass(frozen=True, slots=True, kw_only=True)
class LastError:
    """A provider's last error, in its own words."""

    reason: Reason
    status: int | None
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """State of one circuit breaker. Times are aware UTC.

    Opens after three consecutive failures; at once on a time-out, or if an operator must act.
    """

    state: ProviderState = ProviderState.OK
    since: datetime | None = None  # when the state began; None: always
    failures: int = 0  # in a row
    next_probe_at: datetime | None = None
    probe: int | None = None  # the batch chosen as the next probe
    asked_until: datetime | None = None  # the provider's Retry-After; binds operators too
    last_error: LastError | None = None

    @property
    def is_open(self) -> bool:
        """Whether requests are held back."""
        return self.state is not ProviderState.OK

    @property
    def is_silent(self) -> bool:
        """Whether it takes requests but does not answer: outcomes there are unknown."""
        return self.is_open and self.last_error is not None and self.last_error.reason is Reason.TIMED_OUT

    def may_probe(self, now: datetime) -> bool:
        """Whether the next probe is due."""
        return self.is_open and (self.next_probe_at is None or self.next_probe_at <= now)

    def after_success(self, now: datetime) -> "Breaker":
        """Close the circuit after one success; keep the last error for display."""
        since = now if self.is_open else self.since
        return Breaker(since=since, last_error=self.last_error)

    def after_failure(
        self, error: DeliveryError, now: datetime, *, streak: int = 0, another_works: bool = False
    ) -> "Breaker":
        """Count a failure of the provider.

        Args:
            error: What went wrong.
            now: Aware UTC instant.
            streak: Consecutive failures that one process has seen; not each may have been stored.
            another_works: Whether another provider works, so nothing has to wait for this one.
        """
        failures = max(self.failures + 1, streak)
        last = LastError(reason=error.reason, status=error.status, detail=error.detail, at=now)
        stopped = isinstance(error, ChannelStoppedError)
        pause = timedelta(seconds=self._policy(error, another_works=another_works).pause_after(failures))
        if not pause:
            return replace(self, failures=failures, last_error=last)
        return Breaker(
            state=ProviderState.STOPPED if stopped else ProviderState.FAILING,
            since=self.since if self.is_open else now,
            failures=failures,
            next_probe_at=now + max(pause, error.retry_after or pause),
            asked_until=now + error.retry_after if error.retry_after else None,
            last_error=last,
        )

    def _policy(self, error: DeliveryError, *, another_works: bool) -> BreakerPolicy:
        if isinstance(error, ChannelStoppedError):
            return _STOPPED
        silent = error.reason is Reason.TIMED_OUT
        if silent and self.is_open and another_works:
            return _SILENT
        return _OPEN if silent or self.is_open else _FAILING


CLOSED = Breaker()
