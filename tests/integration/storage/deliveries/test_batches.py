"""What could not be sent yet makes way for a newer message: for those whom that reaches, and for nobody else."""

from datetime import timedelta

import pytest

from notifier.domain.errors import DeliveryError, TransientDeliveryError
from notifier.domain.messages.message import MailRequest
from notifier.domain.recipients.audience import Preferences
from notifier.domain.values import DeliveryState, QueueName, Reason, Status, UpdateLevel
from notifier.services.dispatch.lease import LEASE
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import batches, deliveries
from notifier.storage.deliveries.batches import Batch
from notifier.storage.deliveries.deliveries import DeliveryOverride
from tests.support.email_harness import EmailHarness, Provider, build_harness, subscribe


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def harness(database: Database, provider: Provider) -> EmailHarness:
    return build_harness(database, provider)


def vanish_with_the_mail(harness: EmailHarness) -> list[Batch]:
    """A worker takes every mail batch that was nudged, and is never heard of again."""
    mail = [batch_id for queue, batch_id in harness.pipeline.tasks.attempts if queue is QueueName.EMAIL]
    harness.pipeline.tasks.attempts.clear()
    with harness.pipeline.database.write() as connection:
        taken = [batches.claim(connection, one, owner="dead", now=harness.pipeline.now, lease=LEASE) for one in mail]
    return [batch for batch in taken if batch is not None]


def test_what_a_dead_worker_held_is_replaced_when_a_newer_message_reaches_the_same_people(
    harness: EmailHarness, provider: Provider
) -> None:
    everybody = subscribe(harness, 3)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.pipeline.plan_all()
    vanish_with_the_mail(harness)
    harness.pipeline.post(Status.RESOLVED)
    harness.work()
    harness.later(LEASE.total_seconds() + 1)
    harness.later(11)
    assert provider.addresses == everybody
    (request,) = provider.requests
    assert "Update number 1." in request.content.text
    assert "Update number 2." in request.content.text
    first, _ = harness.pipeline.notices()
    assert set(harness.pipeline.delivery_states(first.id).values()) == {"superseded"}


def test_who_wants_milestones_hears_the_beginning_though_an_update_for_others_came_meanwhile(
    harness: EmailHarness, provider: Provider
) -> None:
    harness.pipeline.subscriber("all")
    harness.pipeline.subscriber("milestones", Preferences(updates=UpdateLevel.MILESTONES))

    def meanwhile(_request: MailRequest) -> DeliveryError:
        harness.pipeline.now += timedelta(seconds=61)
        harness.pipeline.post(Status.IDENTIFIED)
        harness.pipeline.plan_all()
        return TransientDeliveryError(Reason.SERVER_ERROR, "internal server error", status=500)

    provider.faults.append(meanwhile)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    for _ in range(4):
        harness.later(10)
    assert provider.addresses == ["all@example.com", "milestones@example.com"]
    told = {item.address: request.content.text for request in provider.requests for item in request.recipients}
    assert "Update number 1." in told["milestones@example.com"]
    assert "Update number 2." not in told["milestones@example.com"]
    assert "Update number 2." in told["all@example.com"]


def test_one_whose_mail_failed_alone_is_told_once_by_the_newer_message(
    harness: EmailHarness, provider: Provider
) -> None:
    subscribe(harness, 2)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.pipeline.plan_all()
    (batch,) = vanish_with_the_mail(harness)
    harness.pipeline.post(Status.RESOLVED)
    harness.pipeline.plan_all()
    first, last = harness.pipeline.notices()
    later = harness.pipeline.now + timedelta(seconds=100)
    with harness.pipeline.database.write() as connection:
        rows = deliveries.list_of(connection, first.id, states=(), after_key=None, limit=10)
        key = next(row.recipient_key for row in rows if row.external_id == "shop-1")
        failed = DeliveryOverride(
            recipient_key=key, state=DeliveryState.QUEUED, reason=Reason.SERVER_ERROR, due_at=later
        )
        deliveries.detach(connection, first.id, [failed], harness.pipeline.now)
        assert batches.finish(
            connection, batch, "dead", state=DeliveryState.ACCEPTED, reason=None, now=harness.pipeline.now
        )
    harness.work()
    harness.later(120)
    assert harness.pipeline.delivery_states(first.id) == {"shop-0": "accepted", "shop-1": "superseded"}
    assert harness.pipeline.delivery_states(last.id) == {"shop-0": "accepted", "shop-1": "accepted"}
    told = {item.address: request.content.text for request in provider.requests for item in request.recipients}
    assert "Update number 1." in told["shop-1@example.com"]
    assert "Update number 1." not in told["shop-0@example.com"]
