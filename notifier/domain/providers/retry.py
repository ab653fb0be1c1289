"""When a failed attempt is repeated: pure schedules, one per channel."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from notifier.domain.errors import ChannelStoppedError, DeliveryError, OutcomeUnknownError, PermanentDeliveryError
from notifier.domain.values import Channel


def _seconds(*values: float) -> tuple[timedelta, ...]:
    return tuple(timedelta(seconds=value) for value in values)


EMAIL_SCHEDULE = _seconds(2, 5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 3600, 7200, 14400)
SOCIAL_SCHEDULE = _seconds(5, 15, 60, 300, 900, 1800, 3600, 7200)
# At once, 5 s, 30 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h: as long as Standard Webhooks recommends to try.
WEBHOOK_SCHEDULE = _seconds(5, 30, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)

_SCHEDULES = {Channel.EMAIL: EMAIL_SCHEDULE, Channel.SOCIAL: SOCIAL_SCHEDULE, Channel.WEBHOOK: WEBHOOK_SCHEDULE}
STOPPED_PAUSE = timedelta(minutes=1)  # a stopped channel is probed again this often; no attempt is used up
JITTER = 0.2  # at most this share is added, never taken away: a Retry-After is a lower bound


def most_attempts(channel: Channel) -> int:
    """Return after how many attempts, the first included, any failure is given up."""
    return len(_SCHEDULES[channel]) + 1


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Attempt again after `wait`; `counts` says whether this failure used up an attempt."""

    wait: timedelta
    counts: bool = True


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No further attempt."""


def after_failure(
    channel: Channel, attempts: int, error: DeliveryError, *, spread: float, schedule: Sequence[timedelta] | None = None
) -> TryAgain | GiveUp:
    """Decide, touching nothing, what follows a failed attempt.

    Args:
        channel: Whose schedule applies.
        attempts: Attempts made so far, this one included (at least 1).
        error: What went wrong; `retry_after` is never undercut.
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
