"""How the key space is cut: nobody is left out, nobody stands in two ranges, and ranges hold what was asked for."""

from hypothesis import given
from hypothesis import strategies as st

from notifier.services.dispatch.plan import first_keys, further_keys
from notifier.storage.planning.ranges import MAX_KEY


@given(st.integers(0, 5_000_000), st.integers(1, 10_000), st.integers(20_000, 100_000), st.floats(0, 1))
def test_every_key_stands_in_exactly_one_range(people: int, first: int, size: int, density: float) -> None:
    low, high = first_keys(people, first)
    assert low == 0
    if high == MAX_KEY:
        return
    ranges = [(low, high), *further_keys(high, people, round(first * density), size, 5)]
    assert [low for low, _ in ranges[1:]] == [high + 1 for _, high in ranges[:-1]]
    assert ranges[-1][1] == MAX_KEY
    assert all(low <= high for low, high in ranges)


def test_a_small_audience_is_planned_in_one_go() -> None:
    assert first_keys(2_000, 1_000) == (0, MAX_KEY)


@given(st.integers(2_001, 5_000_000))
def test_the_first_range_is_small_whatever_the_audience(people: int) -> None:
    _, high = first_keys(people, 1_000)
    assert 990 < people * (high + 1) / (MAX_KEY + 1) <= 1_000


def test_where_everybody_is_told_a_range_holds_so_many_people() -> None:
    _, after = first_keys(1_000_000, 1_000)
    assert len(further_keys(after, 1_000_000, recipients_found=1_000, size=20_000, widest=5)) == 50


def test_where_few_are_told_ranges_are_wider_but_not_beyond_measure() -> None:
    _, after = first_keys(1_000_000, 1_000)
    assert len(further_keys(after, 1_000_000, recipients_found=500, size=20_000, widest=5)) == 25
    assert len(further_keys(after, 1_000_000, recipients_found=0, size=20_000, widest=5)) == 10


def test_an_address_that_many_share_makes_no_range_narrower_than_asked_for() -> None:
    _, after = first_keys(1_000_000, 1_000)
    assert len(further_keys(after, 1_000_000, recipients_found=5_000, size=20_000, widest=5)) == 50
