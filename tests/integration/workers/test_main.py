"""A real worker process on a real broker, with a runtime that keeps a diary."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from notifier.domain.values import QueueName
from notifier.queueing import embedded
from notifier.queueing.broker import redis_client
from notifier.queueing.producer import Producer
from tests.support.repository import ROOT

CONFLICT, BUG, SLOW, AWAY_ONCE, AWAY = 101, 102, 103, 104, 105
PROGRAM = ROOT / "tests" / "integration" / "programs" / "work.py"
Until = Callable[..., None]

pytestmark = pytest.mark.slow


@dataclass
class WorkerUnderTest:
    process: subprocess.Popen[bytes]
    diary: Path
    log: Path

    def lines(self) -> list[str]:
        return self.diary.read_text().splitlines() if self.diary.exists() else []


@pytest.fixture
def producer(data_dir: Path) -> Iterator[Producer]:
    made = Producer(embedded.ensure(data_dir))
    yield made
    made.close()


@pytest.fixture
def worker(
    data_dir: Path, tmp_path: Path, child_environ: dict[str, str], producer: Producer, until: Until
) -> Iterator[WorkerUnderTest]:
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), str(data_dir), str(tmp_path / "diary"), "email,retry"],
            env=child_environ,
            cwd=tmp_path,
            stdout=output,
            stderr=output,
        )
    with process:
        running = WorkerUnderTest(process, tmp_path / "diary", log)
        until(lambda: "worker_ready" in log.read_text())
        yield running
        process.kill()


def unacknowledged(data_dir: Path) -> int:
    with redis_client(embedded.ensure(data_dir)) as client:
        return len(client.keys("unacked"))


def test_a_worker_works_on_its_own_lanes_only(worker: WorkerUnderTest, producer: Producer, until: Until) -> None:
    producer.attempt(QueueName.WEBHOOK, [1])
    producer.plan(2)
    producer.attempt(QueueName.RETRY, [3])
    producer.attempt(QueueName.EMAIL, [4])
    until(lambda: len(worker.lines()) == 2)
    assert sorted(worker.lines()) == ["attempt 3", "attempt 4"]
    assert (producer.depth(QueueName.WEBHOOK), producer.depth(QueueName.CONTROL)) == (1, 1)


def test_a_failing_task_is_said_once_and_holds_up_nothing(
    worker: WorkerUnderTest, producer: Producer, data_dir: Path, until: Until
) -> None:
    producer.attempt(QueueName.EMAIL, [CONFLICT, BUG, 7])
    until(lambda: "attempt 7" in worker.lines())
    until(lambda: unacknowledged(data_dir) == 0)
    log = worker.log.read_text()
    assert log.count("it contradicts") == 1
    assert f'"batch_id": {CONFLICT}' in log
    assert "KeyError: 'a bug'" in log
    assert producer.depth(QueueName.EMAIL) == 0


def test_a_task_waits_while_the_database_is_away(worker: WorkerUnderTest, producer: Producer, until: Until) -> None:
    producer.attempt(QueueName.EMAIL, [AWAY_ONCE])
    until(lambda: worker.lines() == [f"attempt {AWAY_ONCE}"] * 2)
    assert "task_waiting_for_database" in worker.log.read_text()


def test_sigterm_finishes_what_is_in_hand_and_hands_back_the_rest(
    worker: WorkerUnderTest, producer: Producer, data_dir: Path, until: Until
) -> None:
    producer.attempt(QueueName.EMAIL, [SLOW, AWAY])
    until(lambda: len(worker.lines()) >= 2)
    worker.process.terminate()
    assert worker.process.wait(60) == 0
    assert worker.lines()[-2:] == ["slow one done", "closed"]
    assert producer.depth(QueueName.EMAIL) == 1
    assert unacknowledged(data_dir) == 0


def test_a_killed_worker_leaves_its_message_unacknowledged(
    worker: WorkerUnderTest, producer: Producer, data_dir: Path, until: Until
) -> None:
    producer.attempt(QueueName.EMAIL, [SLOW])
    until(lambda: worker.lines() == [f"attempt {SLOW}"])
    worker.process.kill()
    worker.process.wait(60)
    assert unacknowledged(data_dir) == 1


def test_a_worker_outlives_its_broker(
    worker: WorkerUnderTest, producer: Producer, data_dir: Path, until: Until
) -> None:
    os.kill(int((data_dir / "redis" / "server.pid").read_text()), signal.SIGKILL)
    until(lambda: producer.trouble() is not None)
    embedded.ensure(data_dir)
    until(lambda: producer.announce("inc-1"))
    producer.attempt(QueueName.EMAIL, [9])
    until(lambda: "attempt 9" in worker.lines())
    assert worker.process.poll() is None


def test_a_connected_worker_shows_signs_of_life(worker: WorkerUnderTest, data_dir: Path) -> None:
    assert (data_dir / "heartbeat" / "worker").exists()


def test_a_broker_lost_while_every_slot_was_busy_does_not_silence_a_worker(
    worker: WorkerUnderTest, producer: Producer, data_dir: Path, until: Until
) -> None:
    slots = 5
    producer.attempt(QueueName.EMAIL, [SLOW] * slots)
    until(lambda: worker.lines().count(f"attempt {SLOW}") == slots)
    os.kill(int((data_dir / "redis" / "server.pid").read_text()), signal.SIGKILL)
    until(lambda: worker.log.read_text().count("Couldn't ack") == slots)
    embedded.ensure(data_dir)
    until(lambda: producer.announce("inc-1"))
    producer.attempt(QueueName.EMAIL, [9])
    until(lambda: "attempt 9" in worker.lines())


def test_a_broker_that_became_a_replica_is_waited_for(
    worker: WorkerUnderTest, producer: Producer, data_dir: Path, until: Until
) -> None:
    producer.attempt(QueueName.EMAIL, [1])
    until(lambda: "attempt 1" in worker.lines())
    with redis_client(embedded.ensure(data_dir)) as client:
        client.execute_command("REPLICAOF", "127.0.0.1", "1")
        until(lambda: worker.log.read_text().count("read only replica") > 1)
        assert worker.process.poll() is None
        client.execute_command("REPLICAOF", "NO", "ONE")
    until(lambda: producer.announce("inc-1"))
    producer.attempt(QueueName.EMAIL, [9])
    until(lambda: "attempt 9" in worker.lines())
    assert worker.process.poll() is None
    assert "Unrecoverable error" not in worker.log.read_text()


def test_a_broker_that_is_full_is_waited_for(
    worker: WorkerUnderTest, producer: Producer, data_dir: Path, until: Until
) -> None:
    producer.attempt(QueueName.EMAIL, [SLOW])
    until(lambda: worker.lines() == [f"attempt {SLOW}"])
    with redis_client(embedded.ensure(data_dir)) as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", "1")
        until(lambda: "slow one done" in worker.lines())
        assert not producer.announce("inc-1")
        assert worker.process.poll() is None
        client.config_set("maxmemory", "0")
    until(lambda: producer.announce("inc-1"))
    producer.attempt(QueueName.EMAIL, [9])
    until(lambda: "attempt 9" in worker.lines())
    assert worker.process.poll() is None
