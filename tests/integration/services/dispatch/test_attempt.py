"""Attempts on real rows, the provider in the test's hand: what fails is repeated, replaced or given up, never lost."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from notifier.channels.base import RecipientsRefusedError, TooLargeError
from notifier.domain.errors import DeliveryError, OutcomeUnknownError, PermanentDeliveryError, TransientDeliveryError
from notifier.domain.messages.message import MailRequest
from notifier.domain.values import Channel, QueueName, Reason, Status
from notifier.services.dispatch.attempt import Attempt
from notifier.services.dispatch.lease import LEASE
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import batches
from notifier.storage.deliveries.batches import Batch
from notifier.storage.notifications.notifications import StoredNotification
from tests.support.email_harness import Provider, build_harness, states, subscribe


def test_a_rate_limited_batch_goes_out_later_and_once(database: Database) -> None:
    limited = TransientDeliveryError(Reason.RATE_LIMITED, retry_after=timedelta(seconds=30))
    provider = Provider(faults=[lambda _: limited])
    harness = build_harness(database, provider)
    everybody = subscribe(harness, 3)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    harness.later(29)
    assert provider.addresses == []
    harness.later(2)
    assert provider.addresses == everybody


def test_a_provider_stuck_for_the_whole_incident_leads_to_one_mail_that_tells_all(database: Database) -> None:
    provider = Provider(down=TransientDeliveryError(Reason.RATE_LIMITED, retry_after=timedelta(seconds=20)))
    harness = build_harness(database, provider)
    everybody = subscribe(harness, 2)
    told = (Status.INVESTIGATING, Status.IDENTIFIED, Status.IDENTIFIED, Status.MONITORING, Status.MONITORING)
    for status in (*told, Status.RESOLVED):
        harness.pipeline.post(status)
        harness.work()
        harness.later(300)
    provider.down = None
    harness.later(1200)
    assert provider.addresses == everybody
    (request,) = provider.requests
    assert all(f"Update number {number}." in request.content.text for number in range(1, 7))


def test_the_recipient_a_provider_names_is_cut_out_and_the_others_go(database: Database) -> None:
    def refuse(request: MailRequest) -> DeliveryError:
        bad = [item.delivery_id for item in request.recipients if item.address == "shop-1@example.com"]
        return RecipientsRefusedError(bad, Reason.BAD_ADDRESS, "not an address", status=400)

    provider = Provider(faults=[refuse])
    harness = build_harness(database, provider)
    everybody = subscribe(harness, 5)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    assert provider.addresses == [address for address in everybody if address != "shop-1@example.com"]
    (notice,) = harness.pipeline.notices()
    assert harness.pipeline.delivery_states(notice.id)["shop-1"] == "failed"


@pytest.mark.parametrize(
    "error", [TooLargeError("too large", status=413), PermanentDeliveryError(Reason.REJECTED, "bad", status=400)]
)
def test_a_request_refused_as_a_whole_is_halved(database: Database, error: DeliveryError) -> None:
    provider = Provider(faults=[lambda _: error])
    harness = build_harness(database, provider)
    everybody = subscribe(harness, 5)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    assert provider.addresses == everybody
    assert sorted(len(request.recipients) for request in provider.requests) == [2, 3]


def test_a_request_whose_sender_knows_what_fits_is_cut_into_just_those_pieces(database: Database) -> None:
    def too_large(request: MailRequest) -> DeliveryError:
        names = [recipient.delivery_id for recipient in request.recipients]
        return TooLargeError("5,100,000 bytes", pieces=[names[:3], names[3:4], names[4:]])

    provider = Provider(faults=[too_large])
    harness = build_harness(database, provider)
    everybody = subscribe(harness, 5)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    assert provider.addresses == everybody
    assert sorted(len(request.recipients) for request in provider.requests) == [1, 1, 3]


def test_a_single_recipient_that_is_refused_for_good_is_given_up(database: Database) -> None:
    provider = Provider(down=PermanentDeliveryError(Reason.REJECTED, "never", status=400))
    harness = build_harness(database, provider)
    subscribe(harness, 1)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    assert states(harness) == {"failed"}


def test_when_the_first_provider_is_down_the_second_tells_at_once(database: Database) -> None:
    first = Provider(name="first", down=TransientDeliveryError(Reason.UNREACHABLE, "refused"))
    second = Provider(name="second")
    harness = build_harness(database, first, second)
    everybody = subscribe(harness, 4)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    for _ in range(3):
        harness.later(10)
    assert second.addresses == everybody


def test_what_a_dead_worker_held_is_attempted_again_after_its_lease(database: Database) -> None:
    provider = Provider()
    harness = build_harness(database, provider)
    everybody = subscribe(harness, 2)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.pipeline.plan_all()
    with database.write() as connection:
        for queue, batch_id in harness.pipeline.tasks.attempts:
            if queue is QueueName.EMAIL:
                assert batches.claim(connection, batch_id, owner="dead", now=harness.pipeline.now, lease=LEASE)
    harness.pipeline.tasks.attempts.clear()
    harness.later(LEASE.total_seconds() - 1)
    assert provider.addresses == []
    harness.later(2)
    harness.later(11)
    assert provider.addresses == everybody


def test_an_unknown_outcome_is_repeated_and_said_to_be_one(database: Database) -> None:
    provider = Provider(faults=[lambda _: OutcomeUnknownError(Reason.OUTCOME_UNKNOWN, "time-out")])
    harness = build_harness(database, provider)
    everybody = subscribe(harness, 2)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    with database.read() as connection:
        outcomes: Sequence[str] = connection.exec_driver_sql("SELECT outcome FROM attempt").scalars().all()
    assert list(outcomes) == ["unknown"]
    harness.later(60)
    assert provider.addresses == everybody


def test_who_unsubscribes_after_planning_is_not_written_to(database: Database) -> None:
    provider = Provider()
    harness = build_harness(database, provider)
    everybody = subscribe(harness, 3)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.pipeline.plan_all()
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE subscriber SET state = 'unsubscribed' WHERE external_id = 'shop-0'")
    harness.work()
    assert provider.addresses == everybody[1:]
    (notice,) = harness.pipeline.notices()
    assert harness.pipeline.delivery_states(notice.id)["shop-0"] == "suppressed"


def test_a_batch_attempted_twice_is_sent_once(database: Database) -> None:
    provider = Provider()
    harness = build_harness(database, provider)
    subscribe(harness, 2)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.pipeline.plan_all()
    harness.pipeline.tasks.attempts *= 3
    harness.work()
    assert len(provider.requests) == 1


@pytest.mark.parametrize("arrives", [True, False])
def test_a_message_on_the_wire_while_the_next_is_planned_is_told_once(database: Database, *, arrives: bool) -> None:
    def meanwhile(_request: MailRequest) -> DeliveryError | None:
        harness.pipeline.post(Status.RESOLVED)
        harness.pipeline.plan_all()
        return None if arrives else TransientDeliveryError(Reason.SERVER_ERROR, "internal server error", status=500)

    provider = Provider(faults=[meanwhile])
    harness = build_harness(database, provider)
    subscribe(harness, 2)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    last = provider.requests[-1].content.text
    assert "Update number 2." in last
    assert ("Update number 1." in last) is not arrives
    assert len(provider.requests) == (2 if arrives else 1)


def test_what_was_planned_by_a_clock_that_ran_ahead_does_not_wait_for_that_time(database: Database) -> None:
    provider = Provider()
    harness = build_harness(database, provider)
    everybody = subscribe(harness, 2)
    harness.pipeline.now += timedelta(minutes=10)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.pipeline.plan_all()
    harness.pipeline.now -= timedelta(minutes=10)
    harness.work()
    assert provider.addresses == everybody


def test_a_worker_that_was_too_slow_to_begin_hands_its_batch_back_unsent(database: Database) -> None:
    provider = Provider()
    harness = build_harness(database, provider)
    everybody = subscribe(harness, 2)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.pipeline.plan_all()
    mail = harness.attempt.channels[Channel.EMAIL]

    class Slow:
        def attempt(self, batch: Batch, stored: StoredNotification) -> None:
            harness.pipeline.now += LEASE * 0.7
            mail.attempt(batch, stored)

    slow = Attempt(database, harness.pipeline.clock, harness.pipeline.tasks, "worker", {Channel.EMAIL: Slow()})
    for queue, batch_id in harness.pipeline.tasks.attempts:
        if queue is QueueName.EMAIL:
            slow.run(batch_id)
    assert (provider.calls, states(harness)) == (0, {"queued"})
    harness.pipeline.tasks.attempts.clear()
    harness.later(11)
    assert provider.addresses == everybody
