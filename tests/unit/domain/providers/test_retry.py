from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.errors import (
    ChannelStoppedError,
    DeliveryError,
    OutcomeUnknownError,
    PermanentDeliveryError,
    TransientDeliveryError,
)
from notifier.domain.providers.retry import (
    EMAIL_SCHEDULE,
    JITTER,
    SOCIAL_SCHEDULE,
    WEBHOOK_SCHEDULE,
    GiveUp,
    TryAgain,
    after_failure,
)
from notifier.domain.values import Channel, Reason

SCHEDULES = {Channel.EMAIL: EMAIL_SCHEDULE, Channel.SOCIAL: SOCIAL_SCHEDULE, Channel.WEBHOOK: WEBHOOK_SCHEDULE}
CHANNELS = st.sampled_from(list(Channel))
SPREADS = st.floats(min_value=0, max_value=1, exclude_max=True)
TIMES = st.none() | st.timedeltas(min_value=timedelta(), max_value=timedelta(days=3))


def seconds(*numbers: float) -> list[timedelta]:
    return [timedelta(seconds=number) for number in numbers]


def test_webhooks_are_retried_as_long_as_partners_are_promised() -> None:
    hour = 3600
    assert list(WEBHOOK_SCHEDULE) == seconds(
        5, 30, 300, 1800, 2 * hour, 5 * hour, 10 * hour, 14 * hour, 20 * hour, 24 * hour
    )


@pytest.mark.parametrize("channel", list(Channel))
def test_every_channel_waits_by_its_schedule_and_then_gives_up(channel: Channel) -> None:
    error = TransientDeliveryError(Reason.SERVER_ERROR)
    schedule = SCHEDULES[channel]
    answers = [after_failure(channel, attempts, error, spread=0.0) for attempts in range(1, len(schedule) + 2)]
    assert answers == [*(TryAgain(wait) for wait in schedule), GiveUp()]


@pytest.mark.parametrize("channel", list(Channel))
def test_no_schedule_becomes_more_impatient(channel: Channel) -> None:
    assert all(earlier <= later for earlier, later in pairwise(SCHEDULES[channel]))


def test_rate_limited_delivery_waits_for_the_providers_retry_after() -> None:
    error = TransientDeliveryError(Reason.RATE_LIMITED, retry_after=timedelta(minutes=5))
    assert after_failure(Channel.EMAIL, 1, error, spread=0.0) == TryAgain(timedelta(minutes=5))


@given(CHANNELS, st.integers(min_value=1, max_value=10), TIMES, SPREADS)
def test_a_retry_after_is_never_undercut(
    channel: Channel, attempts: int, retry_after: timedelta | None, spread: float
) -> None:
    error = TransientDeliveryError(Reason.RATE_LIMITED, retry_after=retry_after)
    answer = after_failure(channel, attempts, error, spread=spread)
    if isinstance(answer, TryAgain):
        assert answer.wait >= max(SCHEDULES[channel][attempts - 1], retry_after or timedelta())


@given(CHANNELS, st.integers(min_value=1, max_value=20), SPREADS)
def test_jitter_is_added_and_bounded(channel: Channel, attempts: int, spread: float) -> None:
    error = TransientDeliveryError(Reason.UNREACHABLE)
    exact = after_failure(channel, attempts, error, spread=0.0)
    spread_out = after_failure(channel, attempts, error, spread=spread)
    assert type(exact) is type(spread_out)
    if isinstance(exact, TryAgain) and isinstance(spread_out, TryAgain):
        assert exact.wait <= spread_out.wait <= exact.wait * (1 + JITTER)


@given(CHANNELS, st.integers(min_value=1, max_value=20), TIMES, SPREADS)
def test_what_cannot_work_is_not_tried_again(
    channel: Channel, attempts: int, retry_after: timedelta | None, spread: float
) -> None:
    error = PermanentDeliveryError(Reason.BAD_ADDRESS, retry_after=retry_after)
    assert after_failure(channel, attempts, error, spread=spread) == GiveUp()


@given(CHANNELS, st.integers(min_value=1, max_value=1000), TIMES, SPREADS)
def test_a_stopped_channel_is_probed_and_uses_up_no_attempt(
    channel: Channel, attempts: int, retry_after: timedelta | None, spread: float
) -> None:
    answer = after_failure(channel, attempts, ChannelStoppedError(Reason.AUTH, retry_after=retry_after), spread=spread)
    assert isinstance(answer, TryAgain)
    assert not answer.counts
    assert answer.wait >= max(timedelta(minutes=1), retry_after or timedelta())


@pytest.mark.parametrize("channel", list(Channel))
def test_an_unknown_outcome_is_followed_by_another_try_that_counts(channel: Channel) -> None:
    answer = after_failure(channel, 1, OutcomeUnknownError(Reason.TIMED_OUT), spread=0.0, schedule=seconds(0, 0))
    assert answer == TryAgain(timedelta(seconds=2))


@pytest.mark.parametrize("error", [TransientDeliveryError, OutcomeUnknownError])
def test_a_schedule_of_ones_own_replaces_the_channels(error: type[DeliveryError]) -> None:
    answers = [
        after_failure(Channel.EMAIL, n, error(Reason.TIMED_OUT), spread=0.0, schedule=seconds(9, 90)) for n in (1, 2, 3)
    ]
    assert answers == [TryAgain(timedelta(seconds=9)), TryAgain(timedelta(seconds=90)), GiveUp()]
