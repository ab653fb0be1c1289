"""Recurring windows: RFC 5545 recurrence rules, evaluated in local time."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rruleset, rrulestr

MAX_RULE = 500  # characters
_FURTHEST = timedelta(days=5 * 366)  # leap days recur; what recurs less often does not
_NO_INTERVAL = re.compile("INTERVAL=0*(;|$)")  # would never advance
_TOO_OFTEN = ("HOURLY", "MINUTELY", "SECONDLY")
_TOO_FINE = ("BYHOUR", "BYMINUTE", "BYSECOND")
_ANY_DAY = datetime(2026, 1, 1, tzinfo=UTC)


def check_rule(text: str) -> None:
    """Check a rule such as `FREQ=WEEKLY;BYDAY=TU`, with or without `RRULE:`.

    Raises:
        ValueError: It is not a rule, or it recurs more than once a day; the message says what to
            change.
    """
    rule = _parsed(text, _ANY_DAY).replace(count=None, until=_ANY_DAY + _FURTHEST)
    if next(iter(rule), None) is None:
        raise ValueError("must recur within five years")


def occurrences(text: str, first: datetime, zone: ZoneInfo, *, after: datetime) -> Iterator[datetime]:
    """Return the starts later than `after`, oldest first, in UTC.

    Every start has the local time of day of `first`, before and after a clock change. A time that a
    clock change skips moves by the hour that is skipped.

    Args:
        text: A valid rule.
        first: Aware start of the first window, which counts as an occurrence.
        zone: The time zone of the rule.
        after: Aware instant.
    """
    for start in _parsed(text, first.astimezone(zone)):
        instant = start.astimezone(UTC)
        if instant > after + _FURTHEST:
            return
        if instant > after:
            yield instant


def local_end(start: datetime, first: datetime, first_end: datetime, zone: ZoneInfo) -> datetime:
    """Return the end, in UTC, of a window as long on the clock as the first one."""
    length = first_end.astimezone(zone).replace(tzinfo=None) - first.astimezone(zone).replace(tzinfo=None)
    naive = start.astimezone(zone).replace(tzinfo=None) + length
    return naive.replace(tzinfo=zone).astimezone(UTC)


def _parsed(text: str, first: datetime) -> rrule:
    rule = text.upper().removeprefix("RRULE:")
    if len(rule) > MAX_RULE or "\n" in rule or "FREQ=" not in rule:
        raise ValueError("must be one RFC 5545 recurrence rule, such as FREQ=WEEKLY;BYDAY=TU")
    if any(f"FREQ={name}" in rule for name in _TOO_OFTEN) or any(f"{name}=" in rule for name in _TOO_FINE):
        raise ValueError("must recur at most once a day: FREQ is DAILY, WEEKLY, MONTHLY or YEARLY, without BYHOUR")
    if _NO_INTERVAL.search(rule):
        raise ValueError("is not an RFC 5545 recurrence rule: INTERVAL must be at least 1")
    try:
        found = rrulestr(rule, dtstart=first)
    except (ValueError, KeyError, TypeError) as error:
        message = f"is not an RFC 5545 recurrence rule: {error}"
        raise ValueError(message) from None
    if isinstance(found, rruleset):
        raise ValueError("must be one RFC 5545 recurrence rule, such as FREQ=WEEKLY;BYDAY=TU")  # noqa: TRY004 - of the text
    return found
