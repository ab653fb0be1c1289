"""Which provider is called next: order, breakers, rates and stops, with a clock in the test's hand."""

from datetime import UTC, datetime, timedelta

import pytest

from notifier.channels.base import MailReceipt, RateBudget
from notifier.domain.errors import (
    ChannelStoppedError,
    DeliveryError,
    OutcomeUnknownError,
    PermanentDeliveryError,
    TransientDeliveryError,
)
from notifier.domain.message import MailRequest
from notifier.domain.values import Reason
from notifier.queueing.pacing import LocalPacer
from notifier.services.route import MailRoute, Pause

DOWN = TransientDeliveryError(Reason.UNREACHABLE, "refused")
STOPPED = ChannelStoppedError(Reason.AUTH, "revoked", status=401)


class Sender:
    max_batch = 1_000
    deduplicates = False

    def __init__(self, name: str) -> None:
        self.name = name
        self.closed = False

    def send(self, request: MailRequest, *, deadline: datetime) -> MailReceipt:
        raise AssertionError(request, deadline)

    def close(self) -> None:
        self.closed = True


class Road:
    """A route and its clock."""

    def __init__(self, *names: str) -> None:
        self.now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
        self.pacer = LocalPacer(lambda: self.now)
        self.route = self.of_another_process(*names)

    def of_another_process(self, *names: str) -> MailRoute:
        return MailRoute([Sender(name) for name in names], lambda: self.now, self.pacer)

    def chosen(self) -> str | Pause:
        found = self.route.choose()
        return found if isinstance(found, Pause) else found.name

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def limited(seconds: float) -> DeliveryError:
    return TransientDeliveryError(Reason.RATE_LIMITED, retry_after=timedelta(seconds=seconds))


def test_the_first_provider_is_used_until_its_circuit_opens_then_the_second_then_the_first_again() -> None:
    road = Road("sendgrid", "smtp")
    assert [road.route.failed("sendgrid", DOWN) for _ in range(3)] == [False, False, True]
    assert road.chosen() == "smtp"
    road.later(15)
    assert road.chosen() == "sendgrid"  # one request looks whether it works again
    assert road.chosen() == "smtp"  # and nobody else waits for it
    road.route.worked("sendgrid")
    assert [road.chosen(), road.chosen()] == ["sendgrid", "sendgrid"]


def test_a_probe_that_fails_doubles_the_pause_up_to_a_minute() -> None:
    road = Road("sendgrid", "smtp")
    for _ in range(3):
        road.route.failed("sendgrid", DOWN)
    pauses = []
    for _ in range(4):
        waited = 0
        while road.chosen() == "smtp":
            road.later(1)
            waited += 1
        pauses.append(waited)
        road.route.failed("sendgrid", DOWN)
    assert pauses == [15, 30, 60, 60]


def test_with_every_circuit_open_nobody_is_called() -> None:
    road = Road("sendgrid")
    for _ in range(3):
        assert not road.route.failed("sendgrid", DOWN)
    assert road.chosen() == Pause(timedelta(seconds=15), Reason.BREAKER_OPEN)


def test_an_unknown_outcome_counts_against_the_provider_but_never_moves_the_batch_at_once() -> None:
    road = Road("sendgrid", "smtp")
    unknown = OutcomeUnknownError(Reason.TIMED_OUT, "time-out")
    assert [road.route.failed("sendgrid", unknown) for _ in range(3)] == [False] * 3
    assert road.chosen() == "smtp"


@pytest.mark.parametrize("reason", [Reason.TOO_LARGE, Reason.REJECTED, Reason.BAD_ADDRESS])
def test_a_refused_request_says_that_the_provider_works(reason: Reason) -> None:
    road = Road("sendgrid", "smtp")
    for _ in range(5):
        road.route.failed("sendgrid", DOWN)
        road.route.failed("sendgrid", PermanentDeliveryError(reason))
    assert road.chosen() == "sendgrid"


def test_a_429_holds_all_workers_until_the_reset_and_short_waits_do_not_fail_over() -> None:
    road = Road("sendgrid", "smtp")
    other = road.of_another_process("sendgrid", "smtp")
    assert not road.route.failed("sendgrid", limited(20))
    assert road.chosen() == Pause(timedelta(seconds=20), Reason.RATE_LIMITED)
    assert other.choose() == Pause(timedelta(seconds=20), Reason.RATE_LIMITED)
    road.later(20)
    assert road.chosen() == "sendgrid"


def test_who_waits_long_for_calls_is_told_by_the_second_provider() -> None:
    road = Road("sendgrid", "smtp")
    assert road.route.failed("sendgrid", limited(3600))
    assert road.chosen() == "smtp"


def test_the_calls_that_a_success_leaves_are_shared_by_all_workers() -> None:
    road = Road("sendgrid")
    other = road.of_another_process("sendgrid")
    road.route.worked("sendgrid", RateBudget(remaining=1, limit=500, resets_at=road.now + timedelta(seconds=7)))
    assert road.chosen() == "sendgrid"
    assert other.choose() == Pause(timedelta(seconds=7), Reason.RATE_LIMITED)


def test_a_stopped_account_stops_every_worker_and_is_looked_at_again_within_a_minute() -> None:
    road = Road("sendgrid")
    other = road.of_another_process("sendgrid")
    for _ in range(6):
        road.route.failed("sendgrid", STOPPED)
        pause = other.choose()
        assert isinstance(pause, Pause)
        assert timedelta(0) < pause.wait <= timedelta(minutes=1)
        road.later(pause.wait.total_seconds())
        assert road.chosen() == "sendgrid"


def test_a_stopped_account_fails_over_at_once() -> None:
    road = Road("sendgrid", "smtp")
    assert road.route.failed("sendgrid", STOPPED)
    assert road.chosen() == "smtp"


def test_what_was_tried_before_does_not_probe_while_another_provider_works() -> None:
    road = Road("sendgrid", "smtp")
    for _ in range(3):
        road.route.failed("sendgrid", DOWN)
    road.later(60)
    chosen = road.route.choose(tried=True)
    assert not isinstance(chosen, Pause)
    assert chosen.name == "smtp"
    for _ in range(3):
        road.route.failed("smtp", DOWN)
    chosen = road.route.choose(tried=True)
    assert not isinstance(chosen, Pause)
    assert chosen.name == "sendgrid"


def test_a_probe_that_had_nobody_to_write_to_leaves_the_way_open() -> None:
    road = Road("sendgrid")
    for _ in range(3):
        road.route.failed("sendgrid", DOWN)
    road.later(15)
    assert road.chosen() == "sendgrid"
    road.route.unused("sendgrid")
    assert road.chosen() == "sendgrid"
    assert isinstance(road.chosen(), Pause)
