import re
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from notifier.channels.social.tid import record_key, tid

MOMENT = datetime(2026, 8, 1, 10, tzinfo=UTC)
SHAPE = re.compile(r"[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}")


def test_the_documented_example() -> None:
    assert tid(MOMENT, 517) == "3mrz7j62e22k7"


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds are naive
    st.integers(0, 1023),
)
def test_every_tid_has_the_shape_a_server_demands(moment: datetime, clock_id: int) -> None:
    assert SHAPE.fullmatch(tid(moment, clock_id))


@given(st.integers(1, 10**12))
def test_tids_sort_by_time(micros: int) -> None:
    assert tid(MOMENT, 1023) < tid(MOMENT + timedelta(microseconds=micros), 0)


def test_a_record_key_depends_on_account_key_and_second_only() -> None:
    key = record_key("acc", "k", MOMENT)
    assert SHAPE.fullmatch(key)
    assert record_key("acc", "k", MOMENT + timedelta(microseconds=999_999)) == key
    others = {record_key("other", "k", MOMENT), record_key("acc", "l", MOMENT)}
    later = record_key("acc", "k", MOMENT + timedelta(seconds=1))
    assert len({key, later, *others}) == 4


def test_posts_of_the_same_second_do_not_replace_each_other() -> None:
    keys = {record_key("acc", f"dlv_{number}", MOMENT) for number in range(5_000)}
    assert len(keys) == 5_000
