"""What a provider's rate headers leave us, as a value."""

from datetime import UTC, datetime, timedelta

from notifier.domain.providers.rate_limit import NO_WAIT, RateLimit

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
RESET = NOON + timedelta(seconds=40)


def taken(pace: RateLimit, times: int, now: datetime = NOON) -> list[timedelta]:
    waits = []
    for _ in range(times):
        pace, wait = pace.take(now)
        waits.append(wait)
    return waits


def test_nothing_known_nothing_waits() -> None:
    assert taken(RateLimit(), 3) == [NO_WAIT] * 3


def test_calls_are_taken_until_none_are_left_then_until_the_reset() -> None:
    assert taken(RateLimit().noted(2, RESET, NOON), 4) == [
        NO_WAIT,
        NO_WAIT,
        timedelta(seconds=40),
        timedelta(seconds=40),
    ]
    assert taken(RateLimit().noted(0, RESET, NOON), 2, RESET) == [NO_WAIT, NO_WAIT]


def test_an_answer_that_was_overtaken_gives_no_calls_back() -> None:
    pace = RateLimit().noted(3, RESET, NOON).noted(7, RESET, NOON).noted(9, RESET - timedelta(seconds=5), NOON)
    assert pace.left == 3
    assert pace.noted(50, RESET + timedelta(seconds=60), NOON).left == 50


def test_a_hold_is_never_shortened_and_never_longer_than_a_day() -> None:
    pace = RateLimit().blocked(NOON + timedelta(seconds=60), NOON).blocked(NOON + timedelta(seconds=5), NOON)
    assert pace.take(NOON)[1] == timedelta(seconds=60)
    assert pace.blocked(NOON + timedelta(days=400), NOON).take(NOON)[1] == timedelta(days=1)


def test_a_reset_from_a_broken_clock_is_not_believed() -> None:
    assert RateLimit().noted(0, NOON + timedelta(days=3), NOON) == RateLimit()
    assert RateLimit().noted(0, NOON - timedelta(seconds=1), NOON) == RateLimit()
