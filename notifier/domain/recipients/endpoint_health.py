"""When a failing endpoint is disabled, and how it is probed afterwards: pure decisions."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class HealthAction(StrEnum):
    """The action that follows from an endpoint's failure record."""

    KEEP = "keep"
    WARN = "warn"
    DISABLE = "disable"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthPolicy:
    """Disable an endpoint that failed for `disable_after`, with attempts over `least_span` or more.

    A single failure days ago with nothing sent since proves nothing. The owner is warned after
    `warn_after`, and at least `notice` before the endpoint is disabled.
    """

    disable_after: timedelta = timedelta(days=5)
    least_span: timedelta = timedelta(hours=12)
    warn_after: timedelta = timedelta(days=3)
    notice: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureRecord:
    """Since when an endpoint has only failed, when it last did, and when its owner was warned."""

    failing_since: datetime
    last_failure_at: datetime
    warned_at: datetime | None


_FIRST_PROBE, _LONGEST_PROBE = timedelta(hours=1), timedelta(hours=24)
MAX_PROBES = 60  # about two months; after that it must be enabled by hand


def next_action(record: FailureRecord, now: datetime, policy: HealthPolicy) -> HealthAction:
    """Return the next action, without side effects."""
    if record.last_failure_at - record.failing_since < policy.least_span:
        return HealthAction.KEEP
    if record.warned_at is None:
        return HealthAction.WARN if now - record.failing_since >= policy.warn_after else HealthAction.KEEP
    return HealthAction.DISABLE if now >= disabling_time(record, record.warned_at, policy) else HealthAction.KEEP


def disabling_time(record: FailureRecord, warned_at: datetime, policy: HealthPolicy) -> datetime:
    """Return when an endpoint will be disabled if it keeps failing."""
    return max(record.failing_since + policy.disable_after, warned_at + policy.notice)


def next_probe(probes: int, now: datetime) -> datetime | None:
    """Return when to probe a disabled endpoint after `probes` failed probes; None for never."""
    if probes >= MAX_PROBES:
        return None
    return now + min(_FIRST_PROBE * (1 << min(probes, 10)), _LONGEST_PROBE)
