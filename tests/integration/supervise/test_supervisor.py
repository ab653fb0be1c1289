"""A supervisor process with tiny children: starting, restarting, draining, dying."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.repository import ROOT

PROGRAM = ROOT / "tests" / "integration" / "programs" / "supervise_fakes.py"
Until = Callable[..., None]
Start = Callable[..., "Family"]


class Family:
    """A running supervisor, and what its children wrote down."""

    def __init__(self, process: subprocess.Popen[str], diary: Path, log: Path) -> None:
        self.process, self.diary, self.log = process, diary, log

    def lines(self) -> list[str]:
        return self.diary.read_text().splitlines() if self.diary.exists() else []

    def pids(self, name: str) -> list[int]:
        return [int(line.split()[2]) for line in self.lines() if line.startswith(f"{name} started")]

    def wait_ready(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "all are ready\n"

    def stops(self) -> list[str]:
        return [line.split()[0] for line in self.lines() if line.endswith("stopped")]


@pytest.fixture
def start(tmp_path: Path, child_environ: dict[str, str]) -> Iterator[Start]:
    running: list[Family] = []

    def start(*groups: str) -> Family:
        log = tmp_path / "log"
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, str(PROGRAM), str(tmp_path / "diary"), *groups],
                env=child_environ,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        running.append(Family(process, tmp_path / "diary", log))
        return running[-1]

    yield start
    for family in running:
        with family.process as process:
            process.kill()
        for line in family.lines():
            if " started " in line and psutil.pid_exists(int(line.split()[2])):
                psutil.Process(int(line.split()[2])).kill()


def test_sigterm_drains_group_after_group_and_ends_with_0(start: Start) -> None:
    family = start("api", "work-1,work-2", "scheduler")
    family.wait_ready()
    family.process.terminate()
    assert family.process.wait(60) == 0
    stops = family.stops()
    assert (stops[0], stops[-1], len(stops)) == ("api", "scheduler", 4)
    assert family.process.stdout is not None
    assert family.process.stdout.read() == "draining\n"


def test_what_drains_last_starts_first(start: Start) -> None:
    family = start("api", "scheduler")
    family.wait_ready()
    family.process.send_signal(signal.SIGINT)
    assert family.process.wait(60) == 0
    assert family.stops() == ["api", "scheduler"]


def test_a_child_that_dies_is_started_again_and_it_is_said(start: Start, until: Until) -> None:
    family = start("api", "work")
    family.wait_ready()
    os.kill(family.pids("work")[0], signal.SIGKILL)
    until(lambda: len(family.pids("work")) == 2)
    assert len(family.pids("api")) == 1
    log = family.log.read_text()
    assert "child_exited" in log
    assert "SIGKILL" in log
    family.process.terminate()
    assert family.process.wait(60) == 0


def test_a_child_that_dies_again_waits_longer_each_time(start: Start, until: Until) -> None:
    family = start("work")
    family.wait_ready()
    for times in (1, 2):
        os.kill(family.pids("work")[-1], signal.SIGKILL)
        until(lambda times=times: len(family.pids("work")) == times + 1)
    log = family.log.read_text()
    assert log.index('"restart_in": 0.5') < log.index('"restart_in": 1.0')


def test_a_child_that_cannot_be_started_is_tried_again(start: Start, until: Until) -> None:
    family = start("api", "work")
    family.wait_ready()
    supervisor = psutil.Process(family.process.pid)
    before = supervisor.rlimit(psutil.RLIMIT_NOFILE)
    supervisor.rlimit(psutil.RLIMIT_NOFILE, (3, before[1]))  # no pipe is to be had
    os.kill(family.pids("work")[0], signal.SIGKILL)
    until(lambda: "child_start_failed" in family.log.read_text())
    supervisor.rlimit(psutil.RLIMIT_NOFILE, before)
    until(lambda: len(family.pids("work")) == 2)


def test_a_child_is_named_after_what_it_runs_and_has_none_of_the_others_files(start: Start) -> None:
    family = start("api", "work")
    family.wait_ready()
    for name in ("api", "work"):
        child = psutil.Process(family.pids(name)[0])
        assert child.cmdline()[0].startswith(f"fake_child {family.diary} {name}")
        assert child.num_fds() == 4  # standard input, output, error, and the pipe by which it says that it is ready
        assert os.getsid(child.pid) == child.pid


def test_a_child_that_finds_its_configuration_wrong_ends_the_whole_with_2(start: Start) -> None:
    family = start("api", "work:wrong", "scheduler")
    assert family.process.wait(60) == 2
    assert [line for line in family.lines() if line.startswith("work")] == ["work refused"]
    assert not [pid for name in ("api", "scheduler") for pid in family.pids(name) if psutil.pid_exists(pid)]


def test_a_child_that_does_not_stop_is_killed_in_time(start: Start) -> None:
    family = start("api:stubborn", "work")
    family.wait_ready()
    family.process.terminate()
    assert family.process.wait(60) == 0
    assert family.stops() == ["work"]
    assert not psutil.pid_exists(family.pids("api")[0])
    assert "child_killed" in family.log.read_text()


def test_a_second_signal_ends_all_at_once(start: Start, until: Until) -> None:
    family = start("api:stubborn", "work")
    family.wait_ready()
    family.process.terminate()
    assert family.process.stdout is not None
    assert family.process.stdout.readline() == "draining\n"
    family.process.send_signal(signal.SIGINT)
    assert family.process.wait(60) == 1
    assert family.stops() == []
    assert not any(psutil.pid_exists(family.pids(name)[0]) for name in ("api", "work"))


def test_it_is_ready_only_when_every_child_is(start: Start, until: Until) -> None:
    family = start("api:mute", "work")
    until(lambda: len(family.lines()) == 2)
    family.process.terminate()
    assert family.process.wait(60) == 0
    assert family.process.stdout is not None
    assert family.process.stdout.read() == "draining\n"


def test_children_stop_by_themselves_when_the_supervisor_is_killed(start: Start, until: Until) -> None:
    family = start("api", "work")
    family.wait_ready()
    family.process.kill()
    family.process.wait(60)
    until(lambda: sorted(family.stops()) == ["api", "work"])
