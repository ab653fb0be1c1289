"""When a message waits: the clock on the wall decides, in every zone and in the nights when it is changed."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.recipients.audience import AudienceContext, IncidentScope
from notifier.domain.recipients.do_not_disturb import (
    HOUR,
    Bounds,
    Deferral,
    Sent,
    deferral,
    passes_quiet_hours,
    quiet_until,
    room_at,
)
from notifier.domain.recipients.subscriber import QuietHours
from notifier.domain.values import Channel, Impact, Reason

NIGHT = QuietHours.parse("22:00", "07:00")
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
# Whole, half and quarter hours; changes by an hour and by half an hour; a day that was left out (Apia, 2011).
ZONES = [
    "UTC",
    "Europe/Amsterdam",
    "America/New_York",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Pacific/Chatham",
]
CHANGES = [
    datetime(2026, 3, 29, 1, 0, tzinfo=UTC),  # Europe forward
    datetime(2026, 10, 25, 1, 0, tzinfo=UTC),  # Europe back
    datetime(2026, 11, 1, 6, 0, tzinfo=UTC),  # New York back
    datetime(2026, 4, 4, 15, 0, tzinfo=UTC),  # Lord Howe back by half an hour
    datetime(2026, 10, 3, 15, 30, tzinfo=UTC),  # Lord Howe forward
    datetime(2011, 12, 30, 10, 0, tzinfo=UTC),  # Apia loses a day
]
INSTANTS = st.builds(
    lambda change, off: change + timedelta(seconds=off),
    st.sampled_from(CHANGES),
    st.integers(min_value=-2 * 86_400, max_value=2 * 86_400),
)
SPANS = st.tuples(st.integers(0, 1439), st.integers(0, 1439)).filter(lambda ends: ends[0] != ends[1])


def shows_quiet(hours: QuietHours, zone: str, at: datetime) -> bool:
    """Say it in the contract's words: the subscriber's local time lies in the span."""
    local = at.astimezone(ZoneInfo(zone)).strftime("%H:%M")
    start, end = hours.texts()
    return start <= local < end if start < end else local >= start or local < end


@given(SPANS, st.sampled_from(ZONES), INSTANTS)
def test_quiet_lasts_as_long_as_the_wall_clock_says_so(ends: tuple[int, int], zone: str, now: datetime) -> None:
    hours = QuietHours(start=ends[0], end=ends[1])
    until = quiet_until(hours, zone, now)
    assert (until is not None) == shows_quiet(hours, zone, now)
    if until is not None:
        assert now < until <= now + timedelta(days=1, hours=2)
        assert not shows_quiet(hours, zone, until)
        moments = (now + timedelta(minutes=step) for step in range(0, 26 * 60, 13))
        assert all(shows_quiet(hours, zone, moment) for moment in moments if moment < until)
        assert shows_quiet(hours, zone, until - timedelta(microseconds=1))


@pytest.mark.parametrize(
    ("zone", "now", "until"),
    [
        ("Europe/Amsterdam", "2026-03-02T21:00+00:00", "2026-03-03T06:00+00:00"),  # 22:00: it begins
        ("Europe/Amsterdam", "2026-03-02T20:59+00:00", None),
        ("Europe/Amsterdam", "2026-03-03T06:00+00:00", None),  # 07:00: it is over
        ("Europe/Amsterdam", "2026-03-28T22:00+00:00", "2026-03-29T05:00+00:00"),  # a night of eight hours
        ("Europe/Amsterdam", "2026-10-24T21:00+00:00", "2026-10-25T06:00+00:00"),  # one of ten
        ("America/New_York", "2026-03-03T06:00+00:00", "2026-03-03T12:00+00:00"),
    ],
)
def test_a_night_ends_by_the_subscribers_clock(zone: str, now: str, until: str | None) -> None:
    expected = None if until is None else datetime.fromisoformat(until)
    assert quiet_until(NIGHT, zone, datetime.fromisoformat(now)) == expected


def test_quiet_hours_that_end_in_the_hour_that_is_skipped_end_when_the_clock_jumps() -> None:
    hours = QuietHours.parse("01:00", "02:30")
    now = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)  # 01:30 in Amsterdam; 02:00 becomes 03:00
    assert quiet_until(hours, "Europe/Amsterdam", now) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


# --- the hourly limit ----------------------------------------------------------------------------------------------


def sent(*minutes_ago: int, closes: Sequence[int] = ()) -> list[Sent]:
    ordinary = [Sent(NOON - timedelta(minutes=ago), closes=False) for ago in minutes_ago]
    return ordinary + [Sent(NOON - timedelta(minutes=ago), closes=True) for ago in closes]


@pytest.mark.parametrize(
    ("limit", "before", "closes", "wait"),
    [
        (3, sent(), False, None),
        (3, sent(10), False, None),
        (3, sent(50, 10), False, 10),  # the third is kept for the resolution
        (3, sent(50, 10), True, None),
        (3, sent(50, 10, closes=[5]), True, 10),
        (2, sent(20), False, 40),
        (2, sent(20), True, None),
        (1, sent(), False, None),  # one means one, and the end of it
        (1, sent(20), False, 40),
        (1, sent(20), True, None),
        (1, sent(closes=[20]), True, 40),
        (3, sent(61, 60, 10), False, None),  # what is an hour old is forgotten
    ],
)
def test_the_last_message_of_the_hour_is_kept_for_the_resolution(
    *, limit: int, before: list[Sent], closes: bool, wait: int | None
) -> None:
    expected = None if wait is None else NOON + timedelta(minutes=wait)
    assert room_at(limit, before, closes=closes, now=NOON) == expected


@given(st.integers(1, 6), st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=40))
def test_no_hour_brings_more_than_its_limit(limit: int, wishes: list[tuple[int, bool]]) -> None:
    now, went = NOON, list[Sent]()
    for minutes, closes in wishes:
        now += timedelta(minutes=minutes)
        if room_at(limit, went, closes=closes, now=now) is None:
            went.append(Sent(now, closes))
        hour = [one for one in went if one.at > now - HOUR]
        assert len(hour) <= max(limit, 2)  # a limit of one lets the end of what was told through
        assert sum(not one.closes for one in hour) <= max(1, limit - 1)


@given(
    limit=st.integers(1, 6),
    past=st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=40),
    closes=st.booleans(),
)
def test_who_waits_as_long_as_told_may_go(*, limit: int, past: list[tuple[int, bool]], closes: bool) -> None:
    went = [Sent(NOON - timedelta(minutes=ago), one_closes) for ago, one_closes in past]
    until = room_at(limit, went, closes=closes, now=NOON)
    if until is not None:
        assert until > NOON
        assert room_at(limit, went, closes=closes, now=until) is None


# --- together ------------------------------------------------------------------------------------------------------


def a_context(impact: Impact = Impact.MAJOR, *, closes: bool = False, before: Impact | None = None) -> AudienceContext:
    earlier = () if before is None else (IncidentScope(impact=before, components=frozenset()),)
    scope = IncidentScope(impact=impact, components=frozenset())
    return AudienceContext(channel=Channel.EMAIL, scope=scope, earlier_scopes=earlier, closes=closes)


@pytest.mark.parametrize(
    ("context", "passes"),
    [
        (a_context(Impact.CRITICAL), True),
        (a_context(Impact.MAJOR), False),
        (a_context(Impact.MAINTENANCE), False),
        (a_context(Impact.MINOR, before=Impact.CRITICAL), False),
        (a_context(Impact.NONE, before=Impact.CRITICAL, closes=True), True),  # who was woken hears the end
        (a_context(Impact.NONE, before=Impact.MAJOR, closes=True), False),
    ],
)
def test_critical_passes_quiet_hours_and_so_does_its_end(*, context: AudienceContext, passes: bool) -> None:
    assert passes_quiet_hours(context) is passes
    midnight = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)
    held = deferral([Bounds(timezone="Europe/Amsterdam", quiet_hours=NIGHT)], (), context, midnight)
    assert (held is None) is passes


def test_critical_does_not_pass_the_hourly_limit() -> None:
    held = deferral([Bounds(timezone="UTC", max_per_hour=2)], sent(20), a_context(Impact.CRITICAL), NOON)
    assert held == Deferral(Reason.HOURLY_LIMIT, NOON + timedelta(minutes=40))


def test_of_several_subscribers_of_one_mailbox_the_strictest_counts() -> None:
    loose = Bounds(timezone="Europe/Amsterdam", max_per_hour=100)
    strict = Bounds(timezone="Europe/Amsterdam", quiet_hours=NIGHT)
    stricter = Bounds(timezone="America/New_York", quiet_hours=QuietHours.parse("17:00", "09:00"))
    midnight = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)
    held = deferral([loose, strict, stricter], (), a_context(), midnight)
    assert held == Deferral(Reason.QUIET_HOURS, datetime(2026, 3, 3, 14, 0, tzinfo=UTC))


def test_those_who_wait_for_nearly_the_same_instant_leave_together() -> None:
    sent_just_before = [Sent(NOON - timedelta(minutes=20, seconds=1, microseconds=5), closes=False)]
    held = deferral([Bounds(timezone="UTC", max_per_hour=2)], sent_just_before, a_context(), NOON)
    assert held == Deferral(Reason.HOURLY_LIMIT, NOON + timedelta(minutes=40))
