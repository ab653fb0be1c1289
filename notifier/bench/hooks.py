"""Section `hooks`: partners' endpoints, each at an address of its own; the whole way against its client alone."""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from notifier.bench.events import an_event, tell
from notifier.bench.load import add_endpoints
from notifier.bench.processes import words_of
from notifier.bench.section import Bench, Report, Section, median, percentiles
from notifier.bench.stage import Sink, Stage, sink, stage
from notifier.bootstrap.application import Application
from notifier.channels.webhook import EngineLimits

_UPDATES = ("investigating", "identified", "monitoring", "monitoring")
_HANGING_EVERY = 5
_SMALL = 1_000  # httpx's pool is linear in its connections: more of them take minutes
_QUIET_SECONDS = 0.5


@dataclass(slots=True)
class Run:
    """One installation told several updates. Rates per second after the 202, latencies in seconds, per update."""

    database: str
    what: str
    rates: list[float] = field(default_factory=list)
    middle: list[float] = field(default_factory=list)
    last_of_100: list[float] = field(default_factory=list)
    repeats: int = 0
    memory: list[float] = field(default_factory=list)  # MB
    files: list[int] = field(default_factory=list)


def run(bench: Bench) -> Iterator[Report]:
    """Measure the clients, then the whole way on each database, clean and with receivers that hang."""
    number, small = bench.options.partners, min(_SMALL, bench.options.partners)
    found: list[Run] = []
    floors: dict[str, list[float]] = {}
    for kind in bench.databases:
        for hanging in (False, True):
            bench.say(f"hooks: {kind}, {number:,} endpoints{', a fifth of them hanging' if hanging else ''}")
            found.append(_measure(bench, kind, number, floors, hanging=hanging))
    bench.say("hooks: the engine with its own client and with httpx")
    with sink() as counting:
        compared = {name: _client(name, counting.port, small, 2) for name in ("client", "aiohttp", "engine", "httpx")}
    yield _speeds(found, floors, number)
    yield _hanging(found)
    yield _steady(found)
    yield _clients(compared, small)


def _measure(bench: Bench, kind: str, number: int, floors: dict[str, list[float]], *, hanging: bool) -> Run:
    result = Run(kind, "a fifth hangs" if hanging else "clean")
    healthy = number - number // _HANGING_EVERY if hanging else number

    def fill(notifier: Application, counting: Sink) -> None:
        add_endpoints(notifier, number, counting.port, hanging_every=_HANGING_EVERY if hanging else 0)

    with stage(bench.database_url(kind), fill) as on:
        for turn, status in enumerate(_UPDATES[: 1 if hanging else None]):
            event = an_event("bench-hooks", "api", status=status) | {"id": f"evt-hooks-{turn}"}
            event["update"] |= {"id": f"upd-{turn}", "body": {"en": f"Update {turn}.", "nl": f"Bericht {turn}."}}
            told = tell(on, event, healthy)
            began = time.time()
            times = on.sink.ask("GET", "/times")
            accepted = max(times) - told["last"]
            waits = percentiles([moment - accepted for moment in times], (50, 99))
            result.rates.append(healthy / told["last"])
            result.middle.append(waits[50])
            result.last_of_100.append(waits[99])
            _settle(on, began)
            result.repeats += int(on.sink.stats()["repeats"])
            _look(on, result)
    if not hanging:
        with sink() as counting:  # of their own: the workers keep connections to the other one
            floors[f"{kind} sockets"] = [_sockets(counting.port, number)]
            for name in ("client", "aiohttp"):
                floors[f"{kind} {name}"] = _client(name, counting.port, number, len(_UPDATES))
    return result


def _settle(on: Stage, began: float) -> None:
    """Wait until every result is in the ledger, so that one update does not run into the next."""
    counts: Mapping[str, int] = {"queued": 1}
    while counts.get("queued", 0) + counts.get("sending", 0) > 0 and time.time() < began + _QUIET_SECONDS * 40:
        time.sleep(_QUIET_SECONDS)
        items = on.system.call("GET", "/v1/incidents/bench-hooks/notifications")["items"]
        counts = next(item["counts"] for item in reversed(items) if item["channel"] == "webhook")


def _look(on: Stage, result: Run) -> None:
    """Note the memory of the largest worker that posts webhooks, and the files that all of them have open."""
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


def _client(kind: str, port: int, number: int, rounds: int) -> list[float]:
    """Requests per second of each round, without a ledger."""
    command = [sys.executable, "-m", "notifier.bench.hook_clients", kind, str(port), str(number), str(rounds)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    return [float(rate) for rate in done.stdout.split()]


def _sockets(port: int, number: int) -> float:
    command = [sys.executable, "-m", "notifier.bench.floor", "hooks", str(port), str(number)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    return number / float(done.stdout)


def _speeds(found: Sequence[Run], floors: Mapping[str, list[float]], number: int) -> Report:
    rows: list[list[str | float | None]] = []
    for one in found:
        if one.what != "clean":
            continue
        bare, plain = floors[f"{one.database} client"], floors[f"{one.database} aiohttp"]
        sockets = floors[f"{one.database} sockets"][0]
        for update, rate, beside in (
            ("first", one.rates[0], (plain[0], bare[0], sockets)),
            ("later", median(one.rates[1:]), (median(plain[1:]), median(bare[1:]), sockets)),
        ):
            ratios = [figure for floor in beside for figure in (floor, rate / floor)]
            rows.append([one.database, update, number, rate, *ratios])
    bare_ones = [name for client in ("aiohttp", "client", "sockets") for name in (f"{client}/s", "ratio")]
    return Report(
        title="Webhooks from the 202 to the sink, ledger included, and the same signed bytes posted in a bare loop",
        columns=("database", "update", "told", "per s", *bare_ones),
        rows=rows,
        notes=(
            "first: every connection is new; later: those that were kept are used again, the others are new",
            f"aiohttp: to more than {EngineLimits().idle_sockets:,} endpoints each of its connections is new",
            "client: the engine's own, without the engine; sockets: no parser, no time-outs, always new connections",
        ),
    )


def _hanging(found: Sequence[Run]) -> Report:
    rows: list[list[str | float | None]] = []
    for one in found:
        clean = next(other for other in found if other.database == one.database and other.what == "clean")
        share = one.last_of_100[0] / clean.last_of_100[0]
        rows.append([one.database, one.what, one.middle[0], one.last_of_100[0], share, one.repeats])
    return Report(
        title="Healthy endpoints beside receivers that never answer: seconds after the 202, first update",
        columns=("database", "run", "p50", "p99", "of clean", "got twice"),
        rows=rows,
    )


def _steady(found: Sequence[Run]) -> Report:
    rows: list[list[str | float | None]] = [
        [one.database, "memory MB" if name == "memory" else "open files", *map(float, getattr(one, name))]
        for one in found
        if one.what == "clean"
        for name in ("memory", "files")
    ]
    columns = ("database", "workers", *(f"after {turn + 1}" for turn in range(len(_UPDATES))))
    return Report(
        title="The workers after each update: memory of the largest, files of all", columns=columns, rows=rows
    )


def _clients(compared: Mapping[str, list[float]], number: int) -> Report:
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
