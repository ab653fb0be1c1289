"""Section `start`: time for `notifier up` to get ready, replace a killed worker, and drain."""

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

from notifier.supervise.installation import Installation, SystemFailedError, installation
from tests.benchmarks.section import Bench, Report, Section, median
from tests.support.processes import child_called, memory_of, usage_of

_VICTIM = "worker email"
_SECONDS, _POLL = 60.0, 0.01


@dataclass(frozen=True, slots=True)
class Start:
    """One run. Times in seconds; memory of all processes in MB, shared pages counted once."""

    ready: float
    processor: float
    memory: float
    back: float  # from killing a worker until its successor takes messages
    drained: float


def run(bench: Bench) -> Iterator[Report]:
    """Start, measure, kill a worker, stop: on every database, with embedded Redis and sandbox."""
    rows: list[list[str | float | None]] = []
    for kind in bench.databases:
        bench.say(f"start: {kind}, {bench.rounds} times")
        lives = [_live(bench.database_url(kind)) for _ in range(bench.rounds)]
        rows.append([kind, *(median(column) for column in zip(*map(astuple, lives), strict=True))])
    yield Report(
        title="notifier up, from the command to its end",
        columns=("database", "ready s", "processor s", "memory MB", "worker back s", "drained s"),
        rows=rows,
        notes=(
            "ready: /readyz answers and every worker takes messages; processor: of all processes until then",
            "memory: of all processes, pages they share counted once; worker back: killed (-9), until another works",
        ),
    )


def _live(url: str | None) -> Start:
    environ = {} if url is None else {"NOTIFIER_DATABASE_URL": url}
    with tempfile.TemporaryDirectory(prefix="notifier-bench-") as name:
        began = time.monotonic()
        with installation(Path(name), environ) as system:
            ready = time.monotonic() - began
            processor = sum(usage.seconds for usage in usage_of(system.pid).values())
            memory = memory_of(system.pid)
            back = _replaced(system)
            ends = time.monotonic()
        drained = time.monotonic() - ends
    return Start(ready, processor, memory, back, drained)


def _replaced(system: Installation) -> float:
    """Kill a worker; returns the seconds until its successor is ready."""
    before = _ready_lines(system.log)
    os.kill(child_called(system.pid, _VICTIM), signal.SIGKILL)
    killed = time.monotonic()
    while _ready_lines(system.log) == before:
        if time.monotonic() > killed + _SECONDS:
            raise SystemFailedError(f"{_VICTIM} did not come back within {_SECONDS:g} s")
        time.sleep(_POLL)
    return time.monotonic() - killed


def _ready_lines(log: Path) -> int:
    lines = log.read_bytes().splitlines()
    return sum(b'"worker-email"' in line and b"worker_ready" in line for line in lines)


SECTION = Section(
    name="start",
    about="Seconds until notifier up is ready, replaces a killed worker and has drained; processor time and memory",
    run=run,
)
