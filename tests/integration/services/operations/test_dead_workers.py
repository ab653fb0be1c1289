"""Workers that vanish are not waited for; those that live keep what they hold."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from notifier.domain.values import Status
from notifier.services.dispatch.lease import LEASE
from notifier.services.operations.dead_workers import DeadWorkers
from notifier.services.operations.heartbeat import STILL
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import worker_processes
from tests.support.email_harness import EmailHarness, Provider, build_harness, states, subscribe
from tests.support.fake_endpoints import WorkerVanished, down, endpoint_harness, url_of


@dataclass
class Watch:
    """Looks for vanished workers second by second, by a clock of its own."""

    database: Database
    harness: Any
    seconds: float = 0.0
    looks: DeadWorkers = field(init=False)

    def __post_init__(self) -> None:
        self.looks = DeadWorkers(self.database, self.harness.pipeline.clock, seconds=lambda: self.seconds)

    def look(self, seconds: float, *, beats: str | None = None) -> int:
        """Let time pass, with a look each second while `beats` lives; returns how many batches were handed back."""
        found = 0
        for _ in range(int(seconds)):
            self.seconds += 1
            self.harness.pipeline.now += timedelta(seconds=1)
            if beats is not None:
                beat(self.database, self.harness, beats)
            found += self.looks.run()
        return found


def beat(database: Database, harness: Any, owner: str) -> None:
    with database.write() as connection:
        worker_processes.beat(connection, owner, harness.pipeline.now)


class DyingProvider(Provider):
    def send(self, request: Any, **more: Any) -> Any:
        super().send(request, **more)
        raise WorkerVanished


def a_batch_of_a_dead_worker(database: Database) -> tuple[EmailHarness, Watch]:
    """Return a house whose mail worker `worker` vanished with a batch in hand."""
    harness = build_harness(database, DyingProvider(name="sendgrid"))
    subscribe(harness, 2)
    watch = Watch(database, harness)
    beat(database, harness, "worker")
    harness.pipeline.post(Status.INVESTIGATING)
    with pytest.raises(WorkerVanished):
        harness.work()
    return harness, watch


def test_the_batch_of_a_worker_that_stopped_beating_is_handed_back_within_seconds(database: Database) -> None:
    harness, watch = a_batch_of_a_dead_worker(database)
    assert watch.look(STILL.total_seconds()) == 0
    assert watch.look(1) == 1
    assert states(harness) == {"queued"}
    with database.read() as connection:
        assert worker_processes.beats(connection) == {}


def test_a_busy_worker_keeps_its_lease(database: Database) -> None:
    harness, watch = a_batch_of_a_dead_worker(database)
    assert watch.look(60, beats="worker") == 0
    assert states(harness) == {"sending"}


def test_a_worker_of_an_older_version_keeps_its_lease_until_that_ends(database: Database) -> None:
    harness, watch = a_batch_of_a_dead_worker(database)
    with database.write() as connection:
        worker_processes.leave(connection, "worker")  # an older version writes no such row
    assert watch.look(60) == 0
    harness.pipeline.later(LEASE.total_seconds())
    assert states(harness) == {"queued"}


def test_mail_waits_for_the_providers_events_as_long_as_if_its_lease_had_ended(database: Database) -> None:
    harness, watch = a_batch_of_a_dead_worker(database)
    watch.looks.mail_waits = lambda: timedelta(seconds=180) - LEASE
    assert watch.look(9) == 1
    with database.read() as connection:
        (due,) = connection.exec_driver_sql("SELECT due_at FROM batch").scalars()
    claimed = harness.pipeline.now - timedelta(seconds=9)
    assert due == int((claimed + timedelta(seconds=180)).timestamp() * 1_000_000)


def test_a_slow_receivers_answer_is_not_waited_for_when_its_worker_is_gone(database: Database) -> None:
    harness = endpoint_harness(database)
    number = harness.endpoint("slow")
    watch = Watch(database, harness)
    beat(database, harness, "worker")
    harness.pipeline.post(Status.INVESTIGATING)
    silent = harness.line.deliver
    harness.line.deliver = lambda requests, **more: silent(requests, **{**more, "on_results": None})  # type: ignore[method-assign]
    harness.work()
    assert harness.states("slow") == [("sending", None, 1)]
    harness.line.deliver = silent  # type: ignore[method-assign]
    watch.look(9)
    harness.later(0)
    assert harness.states("slow") == [("accepted", None, 2)]
    assert {request.endpoint_id for request in harness.posted("slow")} == {number}
    assert len({request.delivery_id for request in harness.posted("slow")}) == 1


def test_answers_to_webhooks_count_no_more_when_others_have_the_batch(database: Database) -> None:
    harness = endpoint_harness(database)
    harness.endpoint("a")
    harness.line.answers[url_of("a")] = down
    harness.pipeline.post(Status.INVESTIGATING)
    deliver = harness.line.deliver

    def overtaken(requests: Any, **more: Any) -> Any:
        with database.write() as connection:
            worker_processes.end_leases(connection, "worker", harness.pipeline.now, mail_waits=-LEASE)
        return deliver(requests, **more)

    harness.line.deliver = overtaken  # type: ignore[method-assign]
    harness.work()
    assert harness.states("a") == [("queued", "outcome_unknown", 1)]
    assert harness.tries("a") == []
    harness.line.deliver = deliver  # type: ignore[method-assign]
    harness.line.answers.clear()
    harness.later(11)
    assert [state for state, _, _ in harness.states("a")] == ["accepted"]
