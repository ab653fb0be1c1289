"""What becomes of a task that fails."""

import threading
from collections.abc import Callable, Iterator

import pytest
import structlog
from celery.exceptions import Reject
from structlog.testing import capture_logs
from structlog.typing import EventDict

from notifier.domain.errors import ConflictError, UnavailableError
from workers.policy import TaskPolicy


@pytest.fixture
def log() -> Iterator[list[EventDict]]:
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as captured:
        yield captured


class Impatient(threading.Event):
    """Counts the waits instead of waiting; `stops_at` says at which wait the process is told to stop."""

    def __init__(self, stops_at: int | None = None) -> None:
        super().__init__()
        self.waits: list[float] = []
        self.stops_at = stops_at

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0)
        return len(self.waits) == self.stops_at

    @property
    def clock(self) -> Callable[[], float]:
        return lambda: sum(self.waits)


def failing(times: int, done: list[str]) -> Callable[[], None]:
    def action() -> None:
        done.append("try")
        if len(done) <= times:
            raise UnavailableError("the database is away")

    return action


def test_a_task_waits_for_the_database_with_a_growing_pause(log: list[EventDict]) -> None:
    stopping, done = Impatient(), list[str]()
    TaskPolicy(stopping=stopping, clock=stopping.clock).run("t", failing(3, done), batch_id=7)
    assert len(done) == 4
    assert stopping.waits == [0.5, 1.0, 2.0]
    assert [entry["batch_id"] for entry in log] == [7, 7, 7]


def test_when_patience_ends_the_message_goes_back_to_its_queue(log: list[EventDict]) -> None:
    stopping = Impatient()
    policy = TaskPolicy(stopping=stopping, clock=stopping.clock, patience=5)
    with pytest.raises(Reject) as caught:
        policy.run("t", failing(99, []), batch_id=7)
    assert vars(caught.value)["requeue"] is True
    assert sum(stopping.waits) <= 5
    assert log[-1]["event"] == "task_requeued"


def test_a_stopping_worker_hands_the_message_back_at_once(log: list[EventDict]) -> None:
    stopping = Impatient(stops_at=1)
    with pytest.raises(Reject) as caught:
        TaskPolicy(stopping=stopping, clock=stopping.clock).run("t", failing(99, []), batch_id=7)
    assert vars(caught.value)["requeue"] is True
    assert len(stopping.waits) == 1


def test_an_error_of_ours_is_logged_once_with_its_ids(log: list[EventDict]) -> None:
    def action() -> None:
        raise ConflictError("it contradicts")

    TaskPolicy().run("notifier.plan", action, notification_id=3)
    (entry,) = log
    assert (entry["event"], entry["notification_id"], entry["task"]) == ("task_failed", 3, "notifier.plan")
    assert entry["kind"] == "ConflictError"


def test_a_bug_goes_up(log: list[EventDict]) -> None:
    def action() -> None:
        raise KeyError("oops")

    with pytest.raises(KeyError):
        TaskPolicy().run("t", action, batch_id=1)
    assert log == []
