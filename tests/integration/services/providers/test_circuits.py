"""A provider that comes back: asked every two seconds with one batch while it was down, and used at once by all."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from notifier.domain.errors import OutcomeUnknownError, TransientDeliveryError
from notifier.domain.messages.brand import Account
from notifier.domain.messages.message import MailRequest
from notifier.domain.providers.breaker import Breaker
from notifier.domain.values import Channel, Platform, QueueName, Reason, Status
from notifier.services.providers.circuits import PARKED, Circuits
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from notifier.storage.operations import provider_states
from tests.sandbox_server import running_sandbox
from tests.support.email_harness import EmailHarness, Provider, Watch, build_harness, states, subscribe
from tests.support.pipeline_harness import RecordingTaskQueue
from tests.support.social_harness import PUBLISHES, social_harness

DOWN = TransientDeliveryError(Reason.SERVER_ERROR, "Service Unavailable", status=503)
SILENT = OutcomeUnknownError(Reason.TIMED_OUT, "time-out while waiting for the answer")


def second_by_second(harness: EmailHarness, seconds: int) -> None:
    for _ in range(seconds):
        harness.later(1)


def attempts_of(database: Database) -> set[int]:
    with database.read() as connection:
        return set(connection.execute(select(t.batch.c.attempts).where(t.batch.c.channel == "email")).scalars())


def failing_harness(database: Database, people: int, batch_size: int) -> tuple[EmailHarness, Provider, list[str]]:
    provider = Provider(name="sendgrid", down=DOWN)
    harness = build_harness(database, provider, batch_size=batch_size)
    everybody = subscribe(harness, people)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    return harness, provider, everybody


def test_what_waited_through_an_outage_is_told_within_seconds_of_its_end_and_few_requests_were_made(
    database: Database,
) -> None:
    harness, provider, everybody = failing_harness(database, people=20, batch_size=1)
    second_by_second(harness, 45)
    assert states(harness) == {"queued"}
    assert provider.calls < 30  # three that opened the circuit, then one every two seconds
    provider.down = None
    second_by_second(harness, 3)
    assert provider.addresses == everybody
    assert states(harness) == {"accepted"}


def test_waiting_uses_up_no_attempts_however_long_it_lasts(database: Database) -> None:
    harness, provider, everybody = failing_harness(database, people=4, batch_size=2)
    for _ in range(20):
        harness.later(720)
    assert states(harness) == {"queued"}
    assert max(attempts_of(database)) <= 3
    provider.down = None
    harness.later(3)
    harness.later(1)
    assert provider.addresses == everybody


def test_a_batch_that_alone_fails_does_not_keep_the_others_waiting(ledger: Database) -> None:
    provider = Provider(name="sendgrid")
    harness = build_harness(ledger, provider)

    def poisoned(request: MailRequest) -> TransientDeliveryError | None:
        return DOWN if len(request.recipients) == 1 else None

    provider.faults = [poisoned] * 1000
    harness.pipeline.subscriber("shop-0")
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    second_by_second(harness, 30)  # it alone opens the circuit
    everybody = sorted(["shop-0@example.com", *(f"other-{name}@example.com" for name in range(3))])
    for name in range(3):
        harness.pipeline.subscriber(f"other-{name}")
    harness.pipeline.post(Status.INVESTIGATING, incident_id="inc-2")
    harness.work()
    second_by_second(harness, 12)
    assert provider.addresses == everybody


def test_known_failures_go_to_the_other_provider_at_once(database: Database) -> None:
    first, second = Provider(name="sendgrid", down=DOWN), Provider(name="smtp")
    harness = build_harness(database, first, second)
    everybody = subscribe(harness, 3)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()  # no time passes
    assert second.addresses == everybody
    assert first.calls <= 3


def test_a_request_nobody_answers_goes_to_the_other_provider_at_once_and_so_does_the_next_incident(
    database: Database,
) -> None:
    first, second = Provider(name="sendgrid", down=SILENT, silent=True), Provider(name="smtp")
    harness = build_harness(database, first, second)
    everybody = subscribe(harness, 3)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    assert (first.calls, second.addresses) == (1, everybody)
    harness.later(30)
    harness.pipeline.post(Status.INVESTIGATING, incident_id="inc-2")
    harness.work()
    assert (first.calls, second.addresses) == (1, sorted(everybody * 2))


def test_where_evidence_can_come_a_doubt_is_not_handed_on_and_recovery_does_not_hurry_it(database: Database) -> None:
    first, second = Provider(name="sendgrid", faults=[lambda _request: SILENT]), Provider(name="smtp")
    harness = build_harness(database, first, second, evidence=timedelta(seconds=180))
    subscribe(harness, 3)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    harness.pipeline.post(Status.INVESTIGATING, incident_id="inc-2")  # tells both that the first works again
    harness.later(10)
    with database.read() as connection:
        assert not provider_states.of_channel(connection, Channel.EMAIL)["sendgrid"].is_open
    assert states(harness) == {"queued"}
    harness.later(175)
    assert states(harness) == {"accepted"}


def test_a_wait_the_provider_asked_for_is_not_shortened_by_another_batchs_success(database: Database) -> None:
    limited = TransientDeliveryError(Reason.RATE_LIMITED, "slow down", status=429, retry_after=timedelta(seconds=20))
    provider = Provider(name="sendgrid", faults=[lambda _request: limited])
    harness = build_harness(database, provider)
    everybody = subscribe(harness, 2)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    second_by_second(harness, 19)
    assert provider.calls == 1
    second_by_second(harness, 3)
    assert provider.addresses == everybody


def test_what_is_handed_back_after_another_worker_closed_the_circuit_does_not_wait_for_it(database: Database) -> None:
    clock = Watch()
    circuits = Circuits(database, clock, RecordingTaskQueue(), Channel.EMAIL)
    hold = circuits.wait(["sendgrid"])
    with database.write() as connection:
        assert hold(connection, clock()) is None  # never failed
    for _ in range(3):
        circuits.failed("sendgrid", DOWN, Breaker())
    with database.write() as connection:
        assert hold(connection, clock()) == clock() + PARKED
        assert circuits.wait(["sendgrid", "smtp"])(connection, clock()) is None
    circuits.worked("sendgrid", circuits.look()["sendgrid"])
    with database.write() as connection:
        assert hold(connection, clock()) is None


def test_what_was_not_tried_waits_for_its_provider_in_its_own_lane(ledger: Database) -> None:
    harness, _, _ = failing_harness(ledger, people=5, batch_size=1)
    second_by_second(harness, 10)
    with ledger.read() as connection:
        waits = t.batch.c.reason == Reason.BREAKER_OPEN.value
        found = connection.execute(select(t.batch.c.lane).where(waits, t.batch.c.attempts == 0))
        assert set(found.scalars()) == {QueueName.EMAIL.value}


@pytest.mark.parametrize("platform", [Platform.MASTODON, Platform.BLUESKY])
def test_a_platform_that_answered_503_for_ten_minutes_is_used_within_seconds_of_its_return(
    sqlite_database: Database, platform: Platform
) -> None:
    account = Account(name="acc-de", platform=platform, locale="en", with_card=False)
    with running_sandbox() as sandbox, social_harness(sqlite_database, sandbox, account) as harness:
        sandbox.fault(platform.value, "status", status=503, match={"method": "POST", "path": PUBLISHES[platform]})
        harness.pipeline.post(Status.INVESTIGATING)
        harness.work()
        for number in range(2, 5):
            harness.pipeline.post(Status.INVESTIGATING, incident_id=f"inc-{number}")
            harness.work()
        for _ in range(20):
            harness.later(30)
        assert harness.public() == []
        sandbox.call("DELETE", "/sandbox/faults")
        for _ in range(4):
            harness.later(1)
        assert len(harness.public()) == 4
        assert harness.states() == ["accepted"] * 4
