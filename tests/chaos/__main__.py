"""`make chaos`: every fault on SQLite and on PostgreSQL, with its result.

    python -m tests.chaos [--short] [--database sqlite|postgresql] [--only NAME ...] [--subscribers
    N]
                                   [--endpoints N] [--broker URL] [--other-python PATH] [--untimed]
                                   [--json] [--keep]

Exits with 1 if a bound is broken. docs/chaos.md describes the scenarios and the counting.
"""

import argparse
import itertools
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from tests.chaos.run import Outcome, run
from tests.chaos.scenarios import AUDIENCES, SCENARIOS, SHORT, Do
from tests.chaos.table import show
from tests.chaos.world import BATCH, Size, world

_DATABASES = ("sqlite", "postgresql")
_REQUESTS = 20


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.chaos", description=__doc__.partition("\n")[0])
    names = [scenario.__name__ for scenario in SCENARIOS]
    parser.add_argument("--short", action="store_true", help="two scenarios, a small audience")
    parser.add_argument("--database", choices=_DATABASES, help="one of the two (both)")
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help="these scenarios: " + ", ".join(names))
    parser.add_argument("--subscribers", type=int, help="people told by mail (1000, some more; short: 200)")
    parser.add_argument("--endpoints", type=int, default=20, help="webhook endpoints (20)")
    parser.add_argument("--broker", metavar="URL", help="a broker instead of Redis, such as amqp://")
    parser.add_argument(
        "--other-python", metavar="PATH", help="the second set of processes runs this interpreter's version"
    )
    parser.add_argument("--untimed", action="store_true", help="judge no durations: for a machine that is busy")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--keep", action="store_true", help="leave the folder with the logs, and say where it is")
    return parser.parse_args(arguments)


def _chosen(options: argparse.Namespace) -> Sequence[Do]:
    some = SHORT if options.short else SCENARIOS
    return [one for one in SCENARIOS if one.__name__ in options.only] if options.only else some


def _by_audience(options: argparse.Namespace) -> list[tuple[int, list[Do]]]:
    """Return the chosen scenarios by size of audience: each size has its own installation."""
    usual = options.subscribers or (200 if options.short else 1000)
    own: Mapping[Do, int] = {} if options.subscribers or options.short else AUDIENCES
    groups: dict[int, list[Do]] = {}
    for scenario in _chosen(options):
        groups.setdefault(own.get(scenario, usual), []).append(scenario)
    return sorted(groups.items())


def _outcomes(options: argparse.Namespace, console: Console) -> Iterator[Outcome]:
    databases = [options.database] if options.database else _DATABASES
    for (people, scenarios), name in itertools.product(_by_audience(options), databases):
        # For a larger audience, keep the number of requests: the runs have one slot for mail.
        batch = BATCH if options.subscribers else max(BATCH, people // _REQUESTS)
        size = Size(subscribers=people, endpoints=options.endpoints, batch=batch)
        folder = Path(tempfile.mkdtemp(prefix="chaos-"))
        try:
            with world(
                folder,
                size,
                postgresql=name == "postgresql",
                broker=options.broker,
                other_python=options.other_python,
            ) as installed:
                for scenario in scenarios:
                    yield run(installed, scenario, timed=not options.untimed)
        finally:
            if options.keep:
                console.print(f"logs: {folder}")
            else:
                shutil.rmtree(folder, ignore_errors=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; returns the exit code."""
    options = _options(arguments)
    console = Console(stderr=options.json, width=None if sys.stdout.isatty() else 150, highlight=False)
    outcomes = []
    for outcome in _outcomes(options, console):
        outcomes.append(outcome)
        console.print(outcome.line())
    if options.json:
        sys.stdout.write(json.dumps([asdict(one) for one in outcomes], indent=2) + "\n")
    else:
        show(console, outcomes)
    return int(any(not outcome.held for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
