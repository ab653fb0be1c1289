import pytest

from notifier.domain.errors import UnavailableError
from notifier.services.operations.heartbeat import Heartbeat
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import worker_processes
from tests.integration.services.operations.test_dead_workers import a_batch_of_a_dead_worker
from tests.support.email_harness import states
from tests.support.pipeline_harness import START


def test_while_nobody_could_beat_nobody_vanishes(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    harness, watch = a_batch_of_a_dead_worker(database)
    watch.look(5)

    def refuse(*_: object) -> None:
        raise UnavailableError("database: locked")

    with monkeypatch.context() as away:
        away.setattr(worker_processes, "prove_writable", refuse)
        for _ in range(60):
            with pytest.raises(UnavailableError):
                watch.look(1)
    watch.seconds += 60  # nobody looked either
    assert watch.look(1, beats="worker") == 0
    assert not watch.looks.is_settled  # whoever knows an outcome writes it down first
    assert watch.look(30, beats="worker") == 0
    assert states(harness) == {"sending"}
    assert watch.looks.is_settled


def test_a_process_that_was_suspended_is_not_sure_and_what_it_began_does_not_last(database: Database) -> None:
    seconds = [0.0]
    life = Heartbeat(database, lambda: START, "worker", seconds=lambda: seconds[0])
    life.beat()
    lasting = life.lasting()
    answers = [(life.is_sure, lasting())]
    seconds[0] += 60
    answers.append((life.is_sure, lasting()))
    with database.write() as connection:
        worker_processes.leave(connection, "worker")
    life.ensure()
    answers.append((life.is_sure, lasting()))
    assert answers == [(True, True), (False, False), (True, False)]
    assert life.lasting()()
