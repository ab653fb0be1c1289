"""Retry schedules, one per channel: pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from notifier.domain.errors import ChannelStoppedError, DeliveryError, OutcomeUnknownError, PermanentDeliveryError
from notifier.domain.values import Channel


def _seconds(*values: float) -> tuple[timedelta, ...]:
    return tuple(timedelta(seconds=value) for value in values)


EMAIL_SCHEDULE = _seconds(2, 5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 3600, 7200, 14400)
SOCIAL_SCHEDULE = _seconds(5, 15, 60, 300, 900, 1800, 3600, 7200)
# At once, 5 s, 30 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h: as Standard Webhooks
# recommends.
WEBHOOK_SCHEDULE = _seconds(5, 30, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)

_SCHEDULES = {Channel.EMAIL: EMAIL_SCHEDULE, Channel.SOCIAL: SOCIAL_SCHEDULE, Channel.WEBHOOK: WEBHOOK_SCHEDULE}
STOPPED_PAUSE = timedelta(minutes=1)  # interval of probes of a stopped channel; they use up no attempt
JITTER = 0.2  # maximum share added, never subtracted: Retry-After is a lower bound


def most_attempts(channel: Channel) -> int:
    """Return the maximum number of attempts, the first included."""
    return len(_SCHEDULES[channel]) + 1


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Attempt again after `wait`; `counts`: whether this failure used up an attempt."""

    wait: timedelta
    counts: bool = True


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No further attempt."""


def after_failure(
    channel: Channel, attempts: int, error: DeliveryError, *, spread: float, schedule: Sequence[timedelta] | None = None
) -> TryAgain | GiveUp:
    """Decide what follows a failed attempt, without side effects.

    Args:
        channel: Selects the schedule.
        attempts: Attempts made so far, this one included (at least 1).
        error: What went wrong; its `retry_after` is a lower bound.
        spread: A random number in [0, 1): the share of the jitter to add.
        schedule: Waits before the second, third, ... attempt; the channel's own by default.
    """
    if isinstance(error, PermanentDeliveryError):
        return GiveUp()
    if isinstance(error, ChannelStoppedError):
        return TryAgain(max(STOPPED_PAUSE, error.retry_after or STOPPED_PAUSE), counts=False)
    waits = schedule if schedule is not None else _SCHEDULES[channel]
    if attempts > len(waits):
        return GiveUp()
    wait = waits[attempts - 1]
    if isinstance(error, OutcomeUnknownError):
        wait = max(wait, timedelta(seconds=2))
    floor = max(wait, error.retry_after or wait)
    return TryAgain(floor + wait * JITTER * spread)
