"""Recurring windows keep their time of day, whatever the clocks do."""

from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from notifier.recurrence import check_rule, local_end, occurrences

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
FIRST = datetime(2026, 3, 10, 1, 0, tzinfo=UTC)  # a Tuesday, 02:00 in Amsterdam


def starts(rule: str, number: int, *, first: datetime = FIRST, after: datetime | None = None) -> list[datetime]:
    return list(islice(occurrences(rule, first, AMSTERDAM, after=after or first), number))


def test_weekly_windows_keep_their_local_time_across_the_clock_change_in_spring() -> None:
    assert starts("FREQ=WEEKLY", 4) == [
        datetime(2026, 3, 17, 1, 0, tzinfo=UTC),
        datetime(2026, 3, 24, 1, 0, tzinfo=UTC),
        datetime(2026, 3, 31, 0, 0, tzinfo=UTC),  # summer time began on 29 March
        datetime(2026, 4, 7, 0, 0, tzinfo=UTC),
    ]


def test_and_across_the_one_in_autumn() -> None:
    first = datetime(2026, 10, 20, 0, 0, tzinfo=UTC)
    assert starts("FREQ=WEEKLY", 2, first=first) == [
        datetime(2026, 10, 27, 1, 0, tzinfo=UTC),
        datetime(2026, 11, 3, 1, 0, tzinfo=UTC),
    ]


def test_a_time_that_the_clock_change_skips_moves_by_the_hour_that_is_skipped() -> None:
    first = datetime(2026, 3, 28, 1, 30, tzinfo=UTC)  # 02:30; on the 29th there is no 02:30
    assert starts("FREQ=DAILY", 2, first=first) == [
        datetime(2026, 3, 29, 1, 30, tzinfo=UTC),  # 03:30
        datetime(2026, 3, 30, 0, 30, tzinfo=UTC),  # 02:30 again
    ]


def test_a_window_ends_at_the_same_local_time_on_the_day_of_a_clock_change() -> None:
    first, end = datetime(2026, 3, 22, 0, 0, tzinfo=UTC), datetime(2026, 3, 22, 4, 0, tzinfo=UTC)  # 01:00 to 05:00
    (start,) = starts("FREQ=WEEKLY", 1, first=first)
    assert local_end(start, first, end, AMSTERDAM) == datetime(2026, 3, 29, 3, 0, tzinfo=UTC)  # 05:00


def test_a_rule_ends_by_its_count_or_its_date() -> None:
    assert len(starts("FREQ=WEEKLY;COUNT=3", 10)) == 2
    assert len(starts("RRULE:FREQ=WEEKLY;UNTIL=20260331T000000Z", 10)) == 3


def test_days_and_positions_are_understood() -> None:
    assert starts("FREQ=MONTHLY;BYDAY=2TU", 1) == [datetime(2026, 4, 14, 0, 0, tzinfo=UTC)]


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "every tuesday",
        "FREQ=SOMETIMES",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=HOURLY",
        "FREQ=SECONDLY",
        "FREQ=DAILY;BYHOUR=1,2",
        "FREQ=WEEKLY;UNTIL=20261231",
        "FREQ=WEEKLY\nRRULE:FREQ=DAILY",
        "FREQ=WEEKLY;INTERVAL=0",
        "FREQ=WEEKLY;INTERVAL=x",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;" + "BYMONTH=1," * 100,
    ],
)
def test_what_is_no_rule_or_recurs_too_often_is_refused(rule: str) -> None:
    with pytest.raises(ValueError, match=r"must|is not"):
        check_rule(rule)
