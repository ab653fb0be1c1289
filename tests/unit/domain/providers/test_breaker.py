"""When the circuit of a mail provider or a social account opens, and when it is probed next."""

from datetime import UTC, datetime, timedelta

import pytest

from notifier.domain.errors import ChannelStoppedError, DeliveryError, OutcomeUnknownError, TransientDeliveryError
from notifier.domain.providers.breaker import CLOSED, ProviderState
from notifier.domain.values import Reason

NOW = datetime(2026, 12, 1, tzinfo=UTC)
DOWN = TransientDeliveryError(Reason.SERVER_ERROR, "503")
SILENT = OutcomeUnknownError(Reason.TIMED_OUT, "no answer")
REFUSED = ChannelStoppedError(Reason.AUTH, "401")


def test_the_third_failure_in_a_row_opens_it_for_two_seconds() -> None:
    second = CLOSED.after_failure(DOWN, NOW).after_failure(DOWN, NOW)
    third = second.after_failure(DOWN, NOW)
    assert not second.is_open
    assert (third.state, third.next_probe_at) == (ProviderState.FAILING, NOW + timedelta(seconds=2))


def test_failures_that_one_process_saw_count_though_they_were_not_written_down() -> None:
    assert CLOSED.after_failure(DOWN, NOW, streak=3).is_open


@pytest.mark.parametrize(
    ("error", "state", "seconds"), [(SILENT, ProviderState.FAILING, 2), (REFUSED, ProviderState.STOPPED, 60)]
)
def test_silence_and_what_only_a_person_can_mend_open_it_at_once(
    error: DeliveryError, state: ProviderState, seconds: int
) -> None:
    opened = CLOSED.after_failure(error, NOW)
    assert (opened.state, opened.next_probe_at) == (state, NOW + timedelta(seconds=seconds))


def test_an_open_one_is_probed_every_two_seconds_and_seldom_where_it_is_silent_and_another_works() -> None:
    opened, later = CLOSED.after_failure(SILENT, NOW), NOW + timedelta(seconds=2)
    assert opened.after_failure(DOWN, later).next_probe_at == later + timedelta(seconds=2)
    assert opened.after_failure(SILENT, later).next_probe_at == later + timedelta(seconds=2)
    seldom = opened.after_failure(SILENT, later, another_works=True)
    assert (seldom.next_probe_at, seldom.since) == (later + timedelta(minutes=1), NOW)


def test_a_time_the_provider_asks_for_is_waited_for_once_it_is_open() -> None:
    asking = TransientDeliveryError(Reason.SERVER_ERROR, "503", retry_after=timedelta(seconds=40))
    assert not CLOSED.after_failure(asking, NOW).is_open
    assert CLOSED.after_failure(asking, NOW, streak=3).next_probe_at == NOW + timedelta(seconds=40)


def test_one_success_closes_it() -> None:
    closed = CLOSED.after_failure(REFUSED, NOW).after_success(NOW + timedelta(minutes=1))
    assert (closed.is_open, closed.failures, closed.since) == (False, 0, NOW + timedelta(minutes=1))
