"""A batch over which every worker fails by a fault of ours is given up in the end, and everybody else is told."""

from typing import Any

from notifier.domain.messages.message import MailRequest
from notifier.domain.providers.retry import most_attempts
from notifier.domain.values import Channel, Status
from notifier.services.dispatch.attempt import LEASE, Attempt
from notifier.storage.database.engine import Database
from tests.support.email_harness import House, Provider, a_house, subscribe


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


def a_poisoned_house(database: Database, people: int) -> tuple[House, Provider, Worker]:
    provider = Poisoned(name="sendgrid")
    house: Any = a_house(database, provider, batch_size=1)
    house.attempt = Worker(house.attempt)
    subscribe(house, people)
    house.pipeline.post(Status.INVESTIGATING)
    house.work()
    return house, provider, house.attempt


def test_it_is_tried_as_often_as_any_failure_and_then_no_more(database: Database) -> None:
    house, provider, worker = a_poisoned_house(database, 3)
    for _ in range(most_attempts(Channel.EMAIL) + 5):
        house.later(LEASE.total_seconds() + 1)
    assert worker.met == most_attempts(Channel.EMAIL)
    assert provider.told == ["shop-1@example.com", "shop-2@example.com"]
    (notice,) = house.pipeline.notices()
    assert sorted(house.pipeline.told(notice.id).values()) == ["accepted", "accepted", "failed"]
    with database.read() as connection:
        last = "SELECT outcome, reason FROM attempt ORDER BY id DESC LIMIT 1"
        assert tuple(connection.exec_driver_sql(last).one()) == ("failed", "gave_up")


def test_the_others_hear_the_end_meanwhile(database: Database) -> None:
    house, provider, worker = a_poisoned_house(database, 2)
    house.later(LEASE.total_seconds() + 1)
    house.pipeline.post(Status.RESOLVED)
    house.work()
    assert worker.met >= 2
    assert provider.told == ["shop-1@example.com", "shop-1@example.com"]
