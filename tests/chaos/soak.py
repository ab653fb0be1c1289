"""`make soak`: mixed load for a while; detects growth of memory, files, connections and lag.

    python -m tests.chaos.soak [--minutes N] [--database sqlite|postgresql] [--subscribers N]
    [--json]

Events arrive without a pause, some twice; providers fail now and then, endpoints are slow,
subscribers come and go, and lists are read. Memory, open files and connections of every process,
and the age of due work, are sampled. Exits with 1 if they are higher at the end than in the middle,
beyond the noise.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select, text

from notifier.domain.values import DeliveryState
from notifier.storage import tables as t
from notifier.supervise.installation import SystemFailedError
from tests.chaos.story import Story
from tests.chaos.world import Size, World, world
from tests.support.processes import words_of

_EVENTS_PER_INCIDENT = 6
# Keep the load below the slowest part: an endpoint that needs 0.4 s a message, in series.
_PAUSE_SECONDS, _SLOW_SECONDS = 1.0, 0.4
_SAMPLES = 30
_CHURN_EVERY, _FAULT_EVERY = 20, 15  # events
# A process grows if it exceeds a share and an absolute amount.
_MEMORY_SHARE, _MEMORY_MB = 0.10, 12.0
_FILES_MORE = 12
_OLDEST_SECONDS = 20.0


@dataclass(slots=True)
class Sample:
    """One sample: memory (MB) and open files by kind of process; seconds of the oldest due batch."""

    at: float
    events: int
    memory: dict[str, float] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    connections: int = 0
    oldest: dict[str, float] = field(default_factory=dict)  # by queue
    queued: int = 0


def _called(folder: Path) -> str | None:
    words = words_of(folder)
    if "--queues" in words:
        return f"worker {words[words.index('--queues') + 1]}"
    return next((word for word in ("api", "scheduler", "up") if word in words), None)


def look(world: World, began: float, events: int) -> Sample:
    """Sample all processes and the database."""
    found = Sample(at=time.monotonic() - began, events=events)
    for pid in world.machine.pids():
        folder = Path("/proc") / str(pid)
        name = _called(folder)
        if name is None:
            continue
        try:
            status = (folder / "status").read_text(encoding="utf-8").splitlines()
            files = sum(1 for _ in (folder / "fd").iterdir())
        except OSError:
            continue  # it just ended
        memory = next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024
        found.files[name] = found.files.get(name, 0) + files
        found.memory[name] = found.memory.get(name, 0.0) + memory
    b = t.batch.c
    due = (
        select(b.lane, func.count().label("number"), func.min(b.due_at).label("oldest"))
        .where(b.state == DeliveryState.QUEUED.value)
        .group_by(b.lane)
    )
    with world.ledger.read() as connection:
        for row in connection.execute(due):
            found.queued += row.number
            found.oldest[row.lane] = max(0.0, time.time() - row.oldest.timestamp())
        if world.database.name == "postgresql":
            others = text("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'notifier'")
            found.connections = connection.execute(others).scalar_one()
    return found


def soak(world: World, seconds: float) -> Iterator[Sample]:
    """Load the installation for that long; yields samples."""
    chance = random.Random(20220621)
    began, events, incident = time.monotonic(), 0, 0
    story = Story(world, "soak-0")
    yield look(world, began, events)
    next_look = seconds / _SAMPLES
    while (passed := time.monotonic() - began) < seconds:
        number = events % _EVENTS_PER_INCIDENT + 1
        if number == 1:
            incident += 1
            story = Story(world, f"soak-{incident}")
        story.publish_update(number, "resolved" if number == _EVENTS_PER_INCIDENT else "investigating")
        if chance.random() < 0.2:
            story.publish_update(number)
        events += 1
        _disturb(world, events, chance)
        if passed >= next_look:
            next_look += seconds / _SAMPLES
            yield look(world, began, events)
        time.sleep(_PAUSE_SECONDS)
    story.publish_update(_EVENTS_PER_INCIDENT, "resolved")
    story.settle()
    yield look(world, began, events)


def _disturb(world: World, events: int, chance: random.Random) -> None:
    """Cause faults and changes beside the events."""
    if events % _FAULT_EVERY == 0:
        world.fault("sendgrid", "status", status=chance.choice((429, 503)), count=1, headers={"retry-after": "1"})
        world.fault("hooks", "status", status=500, count=2)
    if events % _CHURN_EVERY == 0:
        name = f"guest-{events}"
        world.call("POST", "/v1/subscribers", {"external_id": name, "kind": "follower", "email": f"{name}@g.example"})
        world.call("DELETE", f"/v1/subscribers/{name}")
    world.call("GET", "/v1/incidents?limit=20")
    try:
        world.call("GET", "/metrics")
    except (SystemFailedError, ValueError):
        return  # metrics are text, not JSON; requesting them suffices


def faults_of(samples: Sequence[Sample]) -> list[str]:
    """Report what grew from the middle, when warm-up is over, to the end."""
    middle, end = samples[len(samples) // 2], samples[-1]
    found = []
    for name, memory in end.memory.items():
        before = middle.memory.get(name, memory)
        if memory - before > max(before * _MEMORY_SHARE, _MEMORY_MB):
            found.append(f"memory of {name} grew from {before:.0f} to {memory:.0f} MB")
        files = middle.files.get(name, end.files[name])
        if end.files[name] - files > _FILES_MORE:
            found.append(f"open files of {name} grew from {files} to {end.files[name]}")
    if end.connections - middle.connections > _FILES_MORE:
        found.append(f"connections grew from {middle.connections} to {end.connections}")
    found += [
        f"a batch of {queue} is due for {age:.0f} s" for queue, age in end.oldest.items() if age > _OLDEST_SECONDS
    ]
    return found


def _show(console: Console, samples: Sequence[Sample]) -> None:
    chosen = {"start": samples[0], "middle": samples[len(samples) // 2], "end": samples[-1]}
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for name, sample in chosen.items():
        table.add_column(f"{name} ({sample.at:.0f} s)", justify="right")
    for process in samples[-1].memory:
        cells = [f"{one.memory.get(process, 0):.0f} MB, {one.files.get(process, 0)} files" for one in chosen.values()]
        table.add_row(process, *cells)
    table.add_row("database connections", *(str(one.connections or "-") for one in chosen.values()))
    for queue in sorted({queue for one in chosen.values() for queue in one.oldest}):
        table.add_row(f"oldest due of {queue}", *(f"{one.oldest.get(queue, 0):.1f} s" for one in chosen.values()))
    table.add_row("batches queued", *(str(one.queued) for one in chosen.values()))
    table.add_row("events", *(str(one.events) for one in chosen.values()))
    console.print(table)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; returns the exit code."""
    parser = argparse.ArgumentParser(prog="tests.chaos.soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=15.0, help="how long (15)")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="postgresql")
    parser.add_argument("--subscribers", type=int, default=300, help="people told of every event (300)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    console = Console(stderr=options.json, width=None if sys.stdout.isatty() else 150, highlight=False)
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    size = Size(subscribers=options.subscribers, endpoints=10)
    samples = []
    try:
        postgresql = options.database == "postgresql"
        with world(folder, size, postgresql=postgresql, broker=None, other_python=None) as installed:
            installed.ask("PUT", "/hooks/partner-0", {"behaviour": {"kind": "slow", "seconds": _SLOW_SECONDS}})
            for sample in soak(installed, options.minutes * 60):
                samples.append(sample)
                console.print(
                    f"{sample.at:5.0f} s  {sample.events} events, {sum(sample.memory.values()):.0f} MB in all"
                )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    faults = faults_of(samples)
    if options.json:
        sys.stdout.write(json.dumps({"samples": [asdict(one) for one in samples], "faults": faults}, indent=2) + "\n")
    else:
        _show(console, samples)
        console.print("\n".join(faults) or "flat: nothing grew from the middle to the end")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
