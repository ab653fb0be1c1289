"""Which provider is called next: order, circuits, rates and stops, with a clock in the test's hand."""

from dataclasses import dataclass
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
from notifier.domain.messages.message import MailRequest
from notifier.domain.values import Channel, QueueName, Reason
from notifier.queueing.rate_limiter import LocalRateLimiter
from notifier.services.mail.failover import Backoff, Choice, ProviderFailover
from notifier.services.providers.circuits import Circuits
from notifier.storage.database.engine import Database
from notifier.storage.deliveries.batches import Batch
from tests.support.pipeline_harness import RecordingTaskQueue

DOWN = TransientDeliveryError(Reason.UNREACHABLE, "refused")
SILENT = OutcomeUnknownError(Reason.TIMED_OUT, "time-out")
STOPPED = ChannelStoppedError(Reason.AUTH, "revoked", status=401)


@dataclass
class Sender:
    name: str
    max_batch: int = 1_000
    deduplicates: bool = False
    is_awake: bool = True
    questions: int = 0

    def send(self, request: MailRequest, *, deadline: datetime) -> MailReceipt:
        raise AssertionError(request, deadline)

    def answers(self, *, deadline: datetime) -> bool:
        del deadline
        self.questions += 1
        return self.is_awake

    def close(self) -> None:
        """Nothing is open."""


class Road:
    """A route and its clock."""

    def __init__(self, database: Database, *names: str) -> None:
        self.now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
        self.database = database
        self.rate_limiter = LocalRateLimiter(lambda: self.now)
        self.senders = [Sender(name) for name in names]
        self.route = self.of_another_process()
        self.last: Choice | None = None

    def of_another_process(self) -> ProviderFailover:
        circuits = Circuits(self.database, lambda: self.now, RecordingTaskQueue(), Channel.EMAIL)
        return ProviderFailover(self.senders, lambda: self.now, self.rate_limiter, circuits)

    def chosen(self, *, attempts: int = 1) -> str | Backoff:
        found = self.route.choose(a_batch(attempts))
        if isinstance(found, Backoff):
            return found
        self.last = found
        return found.name

    def fails(self, error: DeliveryError, *, may_repeat: bool = False) -> bool:
        """Let the provider chosen last fail; whether another one takes the batch at once."""
        assert self.last is not None
        return self.route.failed(self.last, error, may_repeat=may_repeat)

    def works(self, rate: RateBudget | None = None) -> None:
        assert self.last is not None
        self.route.worked(self.last, rate)

    def opens(self, name: str, error: DeliveryError = DOWN) -> None:
        """Let a provider fail until its circuit is open."""
        while self.chosen(attempts=2) == name:
            self.fails(error)

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def a_batch(attempts: int = 1) -> Batch:
    return Batch(
        id=7,
        notification_id=1,
        channel=Channel.EMAIL,
        queue=QueueName.EMAIL,
        locale="en",
        since=0,
        size=10,
        attempts=attempts,
        needs_recheck=False,
        unknown=False,
        provider=None,
    )


def limited(seconds: float) -> DeliveryError:
    return TransientDeliveryError(Reason.RATE_LIMITED, retry_after=timedelta(seconds=seconds))


def test_the_first_provider_is_used_until_its_circuit_opens_then_the_second_then_the_first_again(
    ledger: Database,
) -> None:
    road = Road(ledger, "sendgrid", "smtp")
    for _ in range(3):
        assert road.chosen() == "sendgrid"
        assert road.fails(DOWN)  # nobody was told: another one takes it at once
    assert road.chosen() == "smtp"
    road.later(2)
    assert road.chosen() == "sendgrid"  # one request looks whether it works again
    probe = road.last
    assert road.chosen() == "smtp"  # and nobody else waits for it
    road.last = probe
    road.works()
    assert [road.chosen(), road.chosen()] == ["sendgrid", "sendgrid"]


def test_a_provider_that_is_down_is_asked_every_two_seconds_by_all_workers_together(ledger: Database) -> None:
    road = Road(ledger, "sendgrid")
    other = road.of_another_process()
    road.opens("sendgrid")
    asked = 0
    for _ in range(45):
        road.later(1)
        if road.chosen() == "sendgrid":
            asked += 1
            road.fails(DOWN)
        elsewhere = other.choose(a_batch())
        assert isinstance(elsewhere, Backoff)
        assert elsewhere.reason is Reason.BREAKER_OPEN
    assert 20 <= asked <= 23


def test_one_workers_success_opens_the_way_for_all(ledger: Database) -> None:
    road = Road(ledger, "sendgrid")
    other = road.of_another_process()
    road.opens("sendgrid")
    assert isinstance(other.choose(a_batch()), Backoff)
    road.later(2)
    assert road.chosen() == "sendgrid"
    road.works()
    assert not isinstance(other.choose(a_batch()), Backoff)


def test_failures_from_before_another_worker_closed_the_circuit_count_no_more(ledger: Database) -> None:
    road = Road(ledger, "sendgrid")
    other = road.of_another_process()
    road.opens("sendgrid")
    road.later(2)
    probe = other.choose(a_batch())
    assert isinstance(probe, Choice)
    other.worked(probe)
    road.later(2)
    for _ in range(2):
        assert road.chosen() == "sendgrid"
        road.fails(DOWN)
    assert road.chosen() == "sendgrid"


def test_a_time_out_opens_the_circuit_at_once_and_the_batch_moves_only_where_no_evidence_can_come(
    ledger: Database,
) -> None:
    road = Road(ledger, "sendgrid", "smtp")
    assert road.chosen() == "sendgrid"
    assert not road.fails(SILENT)
    assert road.fails(SILENT, may_repeat=True)
    assert road.chosen() == "smtp"


def test_a_silent_provider_gets_no_batch_before_it_has_answered_a_harmless_question(ledger: Database) -> None:
    road = Road(ledger, "sendgrid", "smtp")
    road.senders[0].is_awake = False
    road.opens("sendgrid", SILENT)
    for _ in range(5):
        road.later(2)
        assert road.chosen() == "smtp"
    assert road.senders[0].questions == 5
    road.senders[0].is_awake = True
    road.later(2)
    assert road.chosen() == "sendgrid"


def test_a_probe_that_nothing_answers_is_not_repeated_for_a_minute_where_another_provider_works(
    ledger: Database,
) -> None:
    road = Road(ledger, "sendgrid", "smtp")
    road.opens("sendgrid", SILENT)
    road.later(2)
    assert road.chosen() == "sendgrid"
    road.fails(SILENT)
    road.later(59)
    assert road.chosen() == "smtp"
    road.later(1)
    assert road.chosen() == "sendgrid"


def test_other_doubts_count_against_the_provider_but_never_move_the_batch_at_once(ledger: Database) -> None:
    road = Road(ledger, "sendgrid", "smtp")
    for _ in range(3):
        assert road.chosen() == "sendgrid"
        assert not road.fails(OutcomeUnknownError(Reason.OUTCOME_UNKNOWN, "hung up"), may_repeat=True)
    assert road.chosen() == "smtp"


@pytest.mark.parametrize("reason", [Reason.TOO_LARGE, Reason.REJECTED, Reason.BAD_ADDRESS])
def test_a_refused_request_says_that_the_provider_works(ledger: Database, reason: Reason) -> None:
    road = Road(ledger, "sendgrid", "smtp")
    for _ in range(5):
        assert road.chosen() == "sendgrid"
        road.fails(DOWN)
        road.fails(PermanentDeliveryError(reason))


def test_a_429_holds_all_workers_until_the_reset_and_short_waits_do_not_fail_over(ledger: Database) -> None:
    road = Road(ledger, "sendgrid", "smtp")
    other = road.of_another_process()
    assert road.chosen() == "sendgrid"
    assert not road.fails(limited(20))
    assert road.chosen() == Backoff(timedelta(seconds=20), Reason.RATE_LIMITED)
    assert other.choose() == Backoff(timedelta(seconds=20), Reason.RATE_LIMITED)
    road.later(20)
    assert road.chosen() == "sendgrid"


def test_who_waits_long_for_calls_is_told_by_the_second_provider(ledger: Database) -> None:
    road = Road(ledger, "sendgrid", "smtp")
    assert road.chosen() == "sendgrid"
    assert road.fails(limited(3600))
    assert road.chosen() == "smtp"


def test_the_calls_that_a_success_leaves_are_shared_by_all_workers(ledger: Database) -> None:
    road = Road(ledger, "sendgrid")
    other = road.of_another_process()
    assert road.chosen() == "sendgrid"
    road.works(RateBudget(remaining=1, limit=500, resets_at=road.now + timedelta(seconds=7)))
    assert road.chosen() == "sendgrid"
    assert other.choose() == Backoff(timedelta(seconds=7), Reason.RATE_LIMITED)


def test_a_stopped_account_stops_every_worker_and_is_looked_at_again_every_minute(ledger: Database) -> None:
    road = Road(ledger, "sendgrid")
    other = road.of_another_process()
    assert road.chosen() == "sendgrid"
    for _ in range(6):
        road.fails(STOPPED)
        road.later(59)
        assert isinstance(other.choose(), Backoff)
        road.later(1)
        assert road.chosen() == "sendgrid"


def test_a_stopped_account_fails_over_at_once(ledger: Database) -> None:
    road = Road(ledger, "sendgrid", "smtp")
    assert road.chosen() == "sendgrid"
    assert road.fails(STOPPED)
    assert road.chosen() == "smtp"


def test_a_wait_that_a_failing_provider_asks_for_is_granted(ledger: Database) -> None:
    road = Road(ledger, "sendgrid")
    asked = TransientDeliveryError(Reason.SERVER_ERROR, status=503, retry_after=timedelta(seconds=40))
    road.opens("sendgrid", asked)
    road.later(39)
    assert isinstance(road.chosen(), Backoff)
    road.later(1)
    assert road.chosen() == "sendgrid"


def test_what_was_tried_before_does_not_probe_while_another_provider_works(ledger: Database) -> None:
    road = Road(ledger, "sendgrid", "smtp")
    road.opens("sendgrid")
    road.later(60)
    assert road.chosen(attempts=2) == "smtp"
    road.opens("smtp")  # ends with the first choice that is another
    assert road.last is not None
    assert road.last.name == "sendgrid"


def test_a_probe_that_had_nobody_to_write_to_leaves_the_way_open(ledger: Database) -> None:
    road = Road(ledger, "sendgrid")
    road.opens("sendgrid")
    road.later(2)
    assert road.chosen() == "sendgrid"
    assert isinstance(road.chosen(), Backoff)
    assert road.last is not None
    road.route.unused(road.last)
    assert road.chosen() == "sendgrid"
