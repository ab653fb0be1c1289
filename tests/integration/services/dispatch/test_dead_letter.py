"""A batch over which every worker fails by a fault of ours is given up in the end, and everybody else is told."""

from typing import Any

from notifier.domain.messages.message import MailRequest
from notifier.domain.providers.retry import most_attempts
from notifier.domain.values import Channel, Status
from notifier.services.dispatch.attempt import Attempt
from notifier.services.dispatch.lease import LEASE
from notifier.storage.database.engine import Database
from tests.support.email_harness import EmailHarness, Provider, build_harness, subscribe


class PoisonError(Exception):
    """None of ours: a bug."""


class Poisoned(Provider):
    """Meets a bug over one address."""

    def send(self, request: MailRequest, **more: Any) -> Any:
        if any(one.address == "shop-0@example.com" for one in request.recipients):
            self.calls += 1
            raise PoisonError
        return super().send(request, **more)


class Worker:
    """Attempts batches as tasks do: a bug ends the task and nothing else."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt, self.met = attempt, 0

    def run(self, batch_id: int) -> None:
        try:
            self._attempt.run(batch_id)
        except PoisonError:
            self.met += 1


def poisoned_harness(database: Database, people: int) -> tuple[EmailHarness, Provider, Worker]:
    provider = Poisoned(name="sendgrid")
    harness: Any = build_harness(database, provider, batch_size=1)
    harness.attempt = Worker(harness.attempt)
    subscribe(harness, people)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    return harness, provider, harness.attempt


def test_it_is_tried_as_often_as_any_failure_and_then_no_more(database: Database) -> None:
    harness, provider, worker = poisoned_harness(database, 3)
    for _ in range(most_attempts(Channel.EMAIL) + 5):
        harness.later(LEASE.total_seconds() + 1)
    assert worker.met == most_attempts(Channel.EMAIL)
    assert provider.addresses == ["shop-1@example.com", "shop-2@example.com"]
    (notice,) = harness.pipeline.notices()
    assert sorted(harness.pipeline.delivery_states(notice.id).values()) == ["accepted", "accepted", "failed"]
    with database.read() as connection:
        last = "SELECT outcome, reason FROM attempt ORDER BY id DESC LIMIT 1"
        assert tuple(connection.exec_driver_sql(last).one()) == ("failed", "gave_up")


def test_the_others_hear_the_end_meanwhile(database: Database) -> None:
    harness, provider, worker = poisoned_harness(database, 2)
    harness.later(LEASE.total_seconds() + 1)
    harness.pipeline.post(Status.RESOLVED)
    harness.work()
    assert worker.met >= 2
    assert provider.addresses == ["shop-1@example.com", "shop-1@example.com"]
