"""A provider's circuit as a value that all workers share: closed, or open and probed by one batch at a time.

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
# A probe that was taken and not answered costs its batch the whole time-out: not often, where another provider works.
SILENT_PAUSE = timedelta(minutes=1)
_FAILING = BreakerPolicy(threshold=3, pause=PROBE_PAUSE.total_seconds())
# Open already, or nothing was answered in time.
_OPEN = replace(_FAILING, threshold=1)
_SILENT = BreakerPolicy(threshold=1, pause=SILENT_PAUSE.total_seconds())
_STOPPED = BreakerPolicy(threshold=1, pause=STOPPED_PAUSE.total_seconds())
# What a queued batch says that waits for its provider to work again. Not: a doubt that waits for evidence, a wait that
# the provider asked for, quiet hours, an earlier message, a translation.
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
# A refused request says nothing about the next one.
_ABOUT_THE_REQUEST = frozenset({Reason.TOO_LARGE, Reason.REJECTED, Reason.BAD_ADDRESS, Reason.RATE_LIMITED})


class ProviderState(StrEnum):
    """How a provider or a social account stands."""

    OK = "ok"
    FAILING = "failing"  # it does not answer, or with errors of its own: probed every two seconds
    STOPPED = "stopped"  # a person must act (credentials, credits): looked at again every minute


def blames_provider(error: DeliveryError) -> bool:
    """Whether a failure says that the next request would fare no better."""
    return isinstance(error, ChannelStoppedError) or error.reason not in _ABOUT_THE_REQUEST


@dataclass(frozen=True, slots=True, kw_only=True)
class LastError:
    """What a provider answered last that was no success, in its own words."""

    reason: Reason
    status: int | None
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """State of one circuit. Instants are aware UTC.

    Opens after three failures in a row; at once where nothing was answered in time, or only a person can mend it.
    """

    state: ProviderState = ProviderState.OK
    since: datetime | None = None  # when the state began; None: always
    failures: int = 0  # in a row
    next_probe_at: datetime | None = None
    probe: int | None = None  # the batch that was chosen to be the next probe
    asked_until: datetime | None = None  # the provider's own Retry-After: not even a person asks earlier
    last_error: LastError | None = None

    @property
    def is_open(self) -> bool:
        """Whether requests are held back."""
        return self.state is not ProviderState.OK

    @property
    def is_silent(self) -> bool:
        """Whether it takes requests and does not answer them: what is sent there is left in doubt."""
        return self.is_open and self.last_error is not None and self.last_error.reason is Reason.TIMED_OUT

    def may_probe(self, now: datetime) -> bool:
        """Whether the next probe is due."""
        return self.is_open and (self.next_probe_at is None or self.next_probe_at <= now)

    def after_success(self, now: datetime) -> "Breaker":
        """One success closes the circuit; what was wrong last stays to be read."""
        since = now if self.is_open else self.since
        return Breaker(since=since, last_error=self.last_error)

    def after_failure(
        self, error: DeliveryError, now: datetime, *, streak: int = 0, another_works: bool = False
    ) -> "Breaker":
        """Count a failure of the provider's.

        Args:
            error: What went wrong.
            now: Aware UTC instant.
            streak: How many failures in a row one process has seen, which may not have been written down one by one.
            another_works: Whether nothing has to wait for this provider.
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
