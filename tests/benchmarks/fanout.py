"""Section `fanout`: one event sent to an audience, by mail and by webhook, beside the floor."""

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from notifier.bootstrap.api_container import ApiContainer
from notifier.supervise.installation import SystemFailedError
from tests.benchmarks.events import an_event, publish_and_measure
from tests.benchmarks.section import Bench, Report, Section, median
from tests.benchmarks.stage import Sink, Stage, stage
from tests.support.load import add_endpoints, add_subscribers
from tests.support.processes import Usage

_SMALL, _MIDDLE = 1_000, 10_000
_MICRO = 1e6
_KEPT = 60  # requests (up to 1 MB each) that the floor repeats: about half of 100,000 recipients


@dataclass(slots=True)
class Measured:
    """The rounds of one channel, audience and database. `spent`: CPU seconds per process."""

    database: str
    channel: str
    rounds: list[Mapping[str, float]] = field(default_factory=list)
    floors: list[float] = field(default_factory=list)  # recipients a second
    wrong: int = 0  # recipients missed or notified twice, over all rounds
    spent: list[dict[str, float]] = field(default_factory=list)
    peaks: dict[str, float] = field(default_factory=dict)

    def middle(self, name: str) -> float:
        """Return the median of one figure."""
        return median([one[name] for one in self.rounds])

    def cost(self, process: str) -> float:
        """Return one process's CPU time per recipient in microseconds."""
        return median([one.get(process, 0.0) for one in self.spent]) / self.middle("told") * _MICRO

    @property
    def label(self) -> str:
        """Return the column heading."""
        return f"{self.database} {self.channel} {self.middle('told'):,.0f}"


def run(bench: Bench) -> Iterator[Report]:
    """Measure every size on every database."""
    options = bench.options
    mails = sorted({_SMALL, _MIDDLE, options.recipients} if options.recipients else set())
    found: list[Measured] = []
    for kind in bench.databases:
        for recipients in mails:
            bench.say(f"fanout: {kind}, {recipients:,} recipients")
            found.append(_measure(bench, kind, "email", recipients))
        if options.endpoints:
            bench.say(f"fanout: {kind}, {options.endpoints:,} endpoints")
            found.append(_measure(bench, kind, "webhook", options.endpoints))
    if found:
        yield _speeds(found)
        yield _per_process("Processor time, microseconds a recipient", found, lambda one, name: one.cost(name))
        yield _per_process("Peak memory of each process, MB", found, lambda one, name: one.peaks.get(name, 0.0))


def _measure(bench: Bench, kind: str, channel: str, size: int) -> Measured:
    found = Measured(kind, channel)
    component = "storefront" if channel == "email" else "api"

    def fill(notifier: ApiContainer, sink: Sink) -> None:
        if channel == "email":
            add_subscribers(notifier, size)
        else:
            add_endpoints(notifier, size, sink.port)

    with stage(bench.database_url(kind), fill, keep=_KEPT if channel == "email" else 0) as on:
        for number in range(bench.rounds):
            before = on.usage()
            measured = publish_and_measure(on, an_event(f"bench-{number}", component), size)
            after = on.usage()
            found.rounds.append(measured)
            found.spent.append(_spent(before, after))
            found.wrong += int(abs(size - measured["told"]) + measured["repeats"])
            found.floors.append(_floor(channel, on, measured))
        found.peaks = {name: used.peak_mb for name, used in on.usage().items()}
    return found


def _spent(before: Mapping[str, Usage], after: Mapping[str, Usage]) -> dict[str, float]:
    nothing = Usage(0.0, 0.0)
    return {name: used.seconds - before.get(name, nothing).seconds for name, used in after.items()}


def _floor(channel: str, on: Stage, measured: Mapping[str, float]) -> float:
    """Return recipients per second of a bare loop posting the same requests to the sink."""
    size = str(int(measured["told"]))
    kept = on.sink.stats()["kept_bytes"]
    what = ["mail", str(on.sink.port)] if channel == "email" else ["hooks", str(on.sink.port), size]
    command = [sys.executable, "-m", "tests.benchmarks.floor", *what]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    again = on.sink.stats()
    if channel == "email" and again["bytes"] != kept:
        raise SystemFailedError(f"the floor posted {again['bytes']} bytes instead of {kept}")
    return float(again["recipients"] if channel == "email" else measured["told"]) / float(done.stdout)


def _speeds(found: Sequence[Measured]) -> Report:
    rows: list[list[str | float | None]] = []
    for one in found:
        measured, last = one.middle("told"), one.middle("last")
        rate, floor = measured / last, median(one.floors)
        rows.append(
            [
                one.database,
                one.channel,
                int(measured),
                int(one.middle("requests")),
                one.middle("first") * 1000,
                last,
                rate,
                floor,
                rate / floor,
                sum(one.cost(name) for name in one.spent[0] if name != "sink"),
                one.wrong,
            ]
        )
    return Report(
        title="From the 202 to the sink (floor: the same requests posted by a bare loop, in the same run)",
        columns=(
            "database",
            "channel",
            "told",
            "requests",
            "first ms",
            "last s",
            "per s",
            "floor/s",
            "ratio",
            "us each",
            "wrong",
        ),
        rows=rows,
        notes=(
            "floor: the very bytes of the same requests, prepared, posted on 8 connections; the sink parses both alike",
            "us each: processor time a recipient, of all processes and the database, without the sink",
            "wrong: recipients missed or told twice, over all rounds",
        ),
    )


def _per_process(title: str, found: Sequence[Measured], figure: Callable[[Measured, str], float]) -> Report:
    names = list(dict.fromkeys(name for one in found for name in one.peaks))
    return Report(
        title=title,
        columns=("process", *(one.label for one in found)),
        rows=[[name, *(figure(one, name) for one in found)] for name in names],
    )


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recipients", type=int, default=100_000, help="fanout: the largest e-mail audience (100000)")
    parser.add_argument("--endpoints", type=int, default=5_000, help="fanout: endpoints (5000); 0 for none")


SECTION = Section(
    name="fanout",
    about="One event told to 1,000, 10,000 and --recipients people by mail, and to --endpoints by webhook",
    run=run,
    options=_options,
)
