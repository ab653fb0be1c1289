"""Section `hooks`: endpoints at distinct addresses; the whole system against its bare client."""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from notifier.bootstrap.api_container import ApiContainer
from notifier.channels.webhook import EngineLimits
from tests.benchmarks.events import an_event, publish_and_measure
from tests.benchmarks.section import Bench, Report, Section, median, percentiles
from tests.benchmarks.stage import Sink, Stage, sink, stage
from tests.support.load import add_endpoints
from tests.support.processes import words_of

_UPDATES = ("investigating", "identified", "monitoring", "monitoring")
_HANGING_EVERY = 5
_SMALL = 500  # httpx's pool is linear in its connections: a thousand take three minutes
_QUIET_SECONDS = 0.5
_WHICH = {"first": 0, "later": 1}  # indexes of a bare loop's two rates


@dataclass(slots=True)
class Run:
    """One installation, several updates. Rates per second and latencies in seconds, per update."""

    rates: list[float] = field(default_factory=list)
    middle: list[float] = field(default_factory=list)
    last_of_100: list[float] = field(default_factory=list)
    repeats: int = 0
    memory: list[float] = field(default_factory=list)  # MB
    files: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Round:
    """Both runs, and the bare loops beside the clean one: requests/s on new connections, again."""

    clean: Run
    hanging: Run
    bare: Mapping[str, tuple[float, float]]

    def over(self, client: str, update: str) -> float:
        """Return the clean run's rate relative to the bare loop of the same minute."""
        return self.rate(update) / self.bare[client][_WHICH[update]]

    def rate(self, update: str) -> float:
        """Return the clean run's deliveries per second."""
        return self.clean.rates[0] if update == "first" else median(self.clean.rates[1:])


def run(bench: Bench) -> Iterator[Report]:
    """Measure the system per database, clean and with hanging receivers, and the bare clients."""
    number, small = bench.options.partners, min(_SMALL, bench.options.partners)
    found: dict[str, list[Round]] = {}
    for kind in bench.databases:
        for turn in range(bench.rounds):
            bench.say(f"hooks: {kind}, {number:,} endpoints, round {turn + 1} of {bench.rounds}")
            found.setdefault(kind, []).append(_round(bench, kind, number))
    bench.say("hooks: the engine with its own client and with httpx")
    compared = {name: _client(name, small) for name in ("client", "aiohttp", "engine", "httpx")}
    yield _speeds(found, number)
    yield _hanging(found)
    yield _steady(found)
    yield _clients(compared, small)


def _round(bench: Bench, kind: str, number: int) -> Round:
    """Measure once; the bare client before and after the clean run, because machines vary."""
    before = _client("client", number)
    clean = _measure(bench, kind, number, hanging=False)
    after = _client("client", number)
    sockets = _sockets(number)
    bare = {
        "aiohttp": _client("aiohttp", number),
        "client": ((before[0] + after[0]) / 2, (before[1] + after[1]) / 2),
        "sockets": (sockets, sockets),
    }
    return Round(clean, _measure(bench, kind, number, hanging=True), bare)


def _measure(bench: Bench, kind: str, number: int, *, hanging: bool) -> Run:
    result = Run()
    healthy = number - number // _HANGING_EVERY if hanging else number

    def fill(notifier: ApiContainer, counting: Sink) -> None:
        add_endpoints(notifier, number, counting.port, hanging_every=_HANGING_EVERY if hanging else 0)

    with stage(bench.database_url(kind), fill) as on:
        for turn, status in enumerate(_UPDATES[: 1 if hanging else None]):
            event = an_event("bench-hooks", "api", status=status) | {"id": f"evt-hooks-{turn}"}
            event["update"] |= {"id": f"upd-{turn}", "body": {"en": f"Update {turn}.", "nl": f"Bericht {turn}."}}
            measured = publish_and_measure(on, event, healthy)
            began = time.time()
            times = on.sink.ask("GET", "/times")
            accepted = max(times) - measured["last"]
            waits = percentiles([moment - accepted for moment in times], (50, 99))
            result.rates.append(healthy / measured["last"])
            result.middle.append(waits[50])
            result.last_of_100.append(waits[99])
            _settle(on, began)
            result.repeats += int(on.sink.stats()["repeats"])
            _look(on, result)
    return result


def _settle(on: Stage, began: float) -> None:
    """Wait until all results are stored, so that updates do not overlap."""
    counts: Mapping[str, int] = {"queued": 1}
    while counts.get("queued", 0) + counts.get("sending", 0) > 0 and time.time() < began + _QUIET_SECONDS * 40:
        time.sleep(_QUIET_SECONDS)
        items = on.system.call("GET", "/v1/incidents/bench-hooks/notifications")["items"]
        counts = next(item["counts"] for item in reversed(items) if item["channel"] == "webhook")


def _look(on: Stage, result: Run) -> None:
    """Record the memory of the largest webhook worker, and the open files of all of them."""
    memory, files = [0], 0
    for folder in Path("/proc").iterdir():
        try:
            if not folder.name.isdigit() or "webhook" not in words_of(folder) or str(on.system.pid) != _parent(folder):
                continue
            status = (folder / "status").read_text(encoding="utf-8")
            files += len(list((folder / "fd").iterdir()))
        except OSError:
            continue
        memory += [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")]
    result.memory.append(max(memory) / 1024)
    result.files.append(files)


def _parent(folder: Path) -> str:
    return (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1]


def _client(kind: str, number: int) -> tuple[float, float]:
    """Return requests per second without a database: the first time, and again."""
    first, again = _bare("tests.benchmarks.hook_clients", kind, number, "2")
    return first, again


def _sockets(number: int) -> float:
    (seconds,) = _bare("tests.benchmarks.floor", "hooks", number)
    return number / seconds


def _bare(module: str, kind: str, number: int, *more: str) -> list[float]:
    """Run a bare loop against its own sink; returns the figures it prints."""
    with sink() as counting:
        command = [sys.executable, "-m", module, kind, str(counting.port), str(number), *more]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [float(figure) for figure in done.stdout.split()]


def _speeds(found: Mapping[str, Sequence[Round]], number: int) -> Report:
    rows: list[list[str | float | None]] = []
    for database, rounds in found.items():
        for update in _WHICH:
            row: list[str | float | None] = [database, update, number, median([one.rate(update) for one in rounds])]
            for client in ("aiohttp", "client", "sockets"):
                row.append(median([one.bare[client][_WHICH[update]] for one in rounds]))
                row.append(median([one.over(client, update) for one in rounds]))
            rows.append([*row, min(one.over("client", update) for one in rounds)])
    bare_ones = [name for client in ("aiohttp", "client", "sockets") for name in (f"{client}/s", "ratio")]
    return Report(
        title="Webhooks from the 202 to the sink, ledger included, and the same signed bytes posted in a bare loop",
        columns=("database", "update", "told", "per s", *bare_ones, "lowest"),
        rows=rows,
        notes=(
            "first: every connection is new; later: those that were kept are used again, the others are new",
            f"aiohttp: to more than {EngineLimits().idle_sockets:,} endpoints each of its connections is new",
            "client: the engine's own, without the engine; sockets: no parser, no time-outs, always new connections",
            "ratio: median of the rounds' own, each against the bare loop beside it; lowest: of those over the client",
        ),
    )


def _hanging(found: Mapping[str, Sequence[Round]]) -> Report:
    rows: list[list[str | float | None]] = []
    for database, rounds in found.items():
        for name, runs in (
            ("clean", [one.clean for one in rounds]),
            ("a fifth hangs", [one.hanging for one in rounds]),
        ):
            shares = [
                one.last_of_100[0] / beside.clean.last_of_100[0] for one, beside in zip(runs, rounds, strict=True)
            ]
            p50, p99 = median([one.middle[0] for one in runs]), median([one.last_of_100[0] for one in runs])
            rows.append([database, name, p50, p99, median(shares), max(shares), sum(one.repeats for one in runs)])
    return Report(
        title="Healthy endpoints beside receivers that never answer: seconds after the 202, first update",
        columns=("database", "run", "p50", "p99", "of clean", "at most", "got twice"),
        rows=rows,
        notes=("of clean: the p99 against that of the clean run of the same round, median; at most: in any round",),
    )


def _steady(found: Mapping[str, Sequence[Round]]) -> Report:
    rows: list[list[str | float | None]] = [
        [database, name, *(median(after) for after in zip(*each, strict=True))]
        for database, rounds in found.items()
        for name, each in (
            ("memory MB", [one.clean.memory for one in rounds]),
            ("open files", [one.clean.files for one in rounds]),
        )
    ]
    columns = ("database", "workers", *(f"after {turn + 1}" for turn in range(len(_UPDATES))))
    return Report(
        title="The workers after each update: memory of the largest, files of all", columns=columns, rows=rows
    )


def _clients(compared: Mapping[str, tuple[float, float]], number: int) -> Report:
    names = {
        "client": "the client alone",
        "aiohttp": "aiohttp alone",
        "engine": "engine, own client",
        "httpx": "engine, httpx",
    }
    return Report(
        title=f"Requests per second to {number:,} hosts, without a ledger",
        columns=("what", "first", "again"),
        rows=[[names[name], *rates] for name, rates in compared.items()],
    )


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--partners", type=int, default=20_000, help="hooks: endpoints (20000)")


SECTION = Section(
    name="hooks",
    about="Several updates told to --partners webhook endpoints, clean and with a fifth of them hanging",
    run=run,
    options=_options,
)
