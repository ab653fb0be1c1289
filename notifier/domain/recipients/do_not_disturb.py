"""When a message has to wait: quiet hours in the subscriber's zone, and the hourly limit.

Both protect a mailbox, so if several subscribers share an address, the strictest rule applies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from notifier.domain.recipients.audience import AudienceContext
from notifier.domain.recipients.subscriber import QuietHours
from notifier.domain.values import Impact, Reason

HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """One subscriber's limits. `timezone` is an IANA name."""

    timezone: str
    quiet_hours: QuietHours | None = None
    max_per_hour: int | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """A message sent to the mailbox earlier, or being sent now."""

    at: datetime
    closes: bool


@dataclass(frozen=True, slots=True)
class Deferral:
    """Why a message is deferred, and the aware UTC time to check again."""

    reason: Reason
    until: datetime


@dataclass(frozen=True, slots=True)
class Timing:
    """One applied rule; `until` None lets the message go."""

    reason: Reason
    seen: str
    until: datetime | None


def passes_quiet_hours(context: AudienceContext) -> bool:
    """Whether a message ignores quiet hours: it is critical, or it ends an incident."""
    if context.scope.impact is Impact.CRITICAL:
        return True
    return context.closes and any(scope.impact is Impact.CRITICAL for scope in context.earlier_scopes)


def quiet_until(hours: QuietHours, timezone: str, now: datetime) -> datetime | None:
    """Return the first time from `now` on that is not quiet in the zone; None if that is now.

    Wall clock time decides, also across daylight saving changes.

    Args:
        hours: The daily span, end exclusive.
        timezone: IANA name of the subscriber's zone.
        now: Aware UTC instant.
    """
    zone = ZoneInfo(timezone)
    local = now.astimezone(zone)
    if not _is_quiet(hours, local):
        return None
    end = now + _until_clock_shows(hours.end, local)
    if end.astimezone(zone).utcoffset() == local.utcoffset():
        return end
    change = _clock_change(zone, now, end)
    return quiet_until(hours, timezone, change) or change


def _is_quiet(hours: QuietHours, local: datetime) -> bool:
    minute = local.hour * 60 + local.minute
    if hours.start < hours.end:
        return hours.start <= minute < hours.end
    return minute >= hours.start or minute < hours.end


def _until_clock_shows(minute: int, local: datetime) -> timedelta:
    """Return the time until the clock shows `minute`, ignoring clock changes."""
    passed = timedelta(hours=local.hour, minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    wait = timedelta(minutes=minute) - passed
    return wait if wait > timedelta() else wait + _DAY


def _clock_change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Return the first time with the offset of `after`; assumes one change, at a whole second."""
    low, high = before.replace(microsecond=0), after
    while high - low > _SECOND:
        middle = low + timedelta(seconds=(high - low) // _SECOND // 2)
        if middle.astimezone(zone).utcoffset() == before.astimezone(zone).utcoffset():
            low = middle
        else:
            high = middle
    return high


def room_at(limit: int, sent: Sequence[Sent], *, closes: bool, now: datetime) -> datetime | None:
    """Return when the hourly limit has room for one more message; None if that is now.

    The last slot of the hour is reserved for a resolution, and a resolution never waits for other
    messages: with a limit of one it may be the second within the hour.
    """
    hour = sorted((one for one in sent if one.at > now - HOUR), key=lambda one: one.at, reverse=True)
    if closes and not any(one.closes for one in hour):
        return None
    most = limit if closes else max(1, limit - 1)
    return None if len(hour) < most else hour[most - 1].at + HOUR


def timings(bounds: Bounds, sent: Sequence[Sent], context: AudienceContext, now: datetime) -> list[Timing]:
    """Apply one subscriber's rules to a message that could go `now`."""
    found = []
    if bounds.quiet_hours is not None:
        quiet = quiet_until(bounds.quiet_hours, bounds.timezone, now)
        start, end = bounds.quiet_hours.texts()
        clock = now.astimezone(ZoneInfo(bounds.timezone))
        seen = f"{clock:%H:%M} in {bounds.timezone}, quiet {start}-{end}, impact={context.scope.impact}"
        found.append(Timing(Reason.QUIET_HOURS, seen, None if passes_quiet_hours(context) else quiet))
    if bounds.max_per_hour is not None:
        room = room_at(bounds.max_per_hour, sent, closes=context.closes, now=now)
        number = sum(one.at > now - HOUR for one in sent)
        seen = f"max_per_hour={bounds.max_per_hour}, {number} in the hour before"
        found.append(Timing(Reason.HOURLY_LIMIT, seen, room))
    return found


def deferral(
    mailbox: Sequence[Bounds], sent: Sequence[Sent], context: AudienceContext, now: datetime
) -> Deferral | None:
    """Return how long a message to a mailbox waits by the strictest rule; None if it may go now."""
    holds = [
        Deferral(timing.reason, _whole_minute(timing.until))
        for bounds in mailbox
        for timing in timings(bounds, sent, context, now)
        if timing.until is not None
    ]
    return max(holds, key=lambda one: one.until, default=None)


def _whole_minute(moment: datetime) -> datetime:
    """Round up, so that messages due at nearly the same time leave as one batch."""
    floor = moment.replace(second=0, microsecond=0)
    return floor if floor == moment else floor + _MINUTE
