"""A worker process that is really suspended (SIGSTOP) in mid attempt, and wakes up when others have its batch."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from notifier.domain.values import Status
from notifier.services.operations.dead_workers import DeadWorkers
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import worker_processes
from tests.support.email_harness import EmailHarness, Provider, build_harness, states, subscribe
from tests.support.repository import ROOT

PROGRAM = ROOT / "tests" / "integration" / "programs" / "paused_worker.py"
pytestmark = pytest.mark.slow


@dataclass
class Paused:
    """The process, spoken to line by line."""

    process: "subprocess.Popen[str]"

    def write_line(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def read_line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def send(self, number: int) -> None:
        os.kill(self.process.pid, number)


@contextmanager
def a_worker(database: Database, where: str) -> Iterator[Paused]:
    url = database.url.render_as_string(hide_password=False)
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(PROGRAM), url, where]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ, cwd=ROOT
    ) as process:
        try:
            yield Paused(process)
        finally:
            process.kill()


def until(question: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not question():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def the_batch(harness: EmailHarness) -> int:
    with harness.pipeline.database.read() as connection:
        return int(connection.execute(select(func.max(t.batch.c.id))).scalar_one())


def tries(database: Database) -> list[tuple[int, str]]:
    a = t.attempt.c
    with database.read() as connection:
        return [(row.number, row.outcome) for row in connection.execute(select(a.number, a.outcome).order_by(a.id))]


def is_known(database: Database) -> bool:
    with database.read() as connection:
        return "paused" in worker_processes.beats(connection)


@pytest.mark.parametrize(("where", "sent_by_the_paused"), [("before", 0), ("after", 1)])
def test_it_records_nothing_and_sends_nothing_more_and_works_on(
    database: Database, where: str, sent_by_the_paused: int
) -> None:
    provider = Provider(name="sendgrid")
    harness = build_harness(database, provider, clock=lambda: datetime.now(UTC), owner="other")
    told = subscribe(harness, 3)
    vanished = DeadWorkers(database, harness.pipeline.clock, still=timedelta(seconds=2))
    harness.pipeline.post(Status.INVESTIGATING)
    harness.pipeline.plan_all()
    with a_worker(database, where) as paused:
        until(lambda: is_known(database))
        paused.write_line(f"attempt {the_batch(harness)}")
        assert paused.read_line() == "waiting"
        paused.send(signal.SIGSTOP)
        until(lambda: vanished.run() == 1)  # its lease would last for another minute and a half
        harness.attempt.run(the_batch(harness))
        assert provider.addresses == told
        paused.send(signal.SIGCONT)
        paused.write_line("go on")
        assert paused.read_line() == f"done {sent_by_the_paused}"
        assert states(harness) == {"accepted"}
        assert tries(database) == [(2, "accepted")]
        harness.pipeline.post(Status.RESOLVED)
        harness.pipeline.plan_all()
        paused.write_line(f"attempt {the_batch(harness)}")
        assert paused.read_line() == f"done {sent_by_the_paused + 1}"
    assert tries(database) == [(2, "accepted"), (1, "accepted")]
    assert states(harness) == {"accepted"}
