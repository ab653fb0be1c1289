"""`make bench`: recipients per second from the 202 to the last request, beside the floor, on both databases.

    python -m notifier.bench [--recipients N] [--endpoints N] [--database sqlite|postgresql] [--json]

PostgreSQL is the server NOTIFIER_BENCH_DATABASE_URL names (everything in that database is dropped), else one started
for the run.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from notifier.bench.cluster import shared_server
from notifier.bench.measure import Measured, measure
from notifier.storage.engine import Database
from notifier.storage.tables import metadata

_URL = "NOTIFIER_BENCH_DATABASE_URL"


@contextmanager
def _postgresql() -> Iterator[str]:
    given = os.environ.get(_URL)
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="notifier-bench-") as folder, shared_server(Path(folder)) as url:
        yield url


def _emptied(url: str) -> str:
    database = Database(url)
    metadata.drop_all(database.engine)
    with database.write() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS alembic_version")
    database.close()
    return url


def _run(options: argparse.Namespace) -> Iterator[Measured]:
    sizes = [(1_000, 0), (options.recipients, options.endpoints)]
    if options.database in (None, "sqlite"):
        for recipients, endpoints in sizes:
            yield measure("sqlite", None, recipients=recipients, endpoints=endpoints)
    if options.database in (None, "postgresql"):
        with _postgresql() as url:
            for recipients, endpoints in sizes:
                yield measure("postgresql", _emptied(url), recipients=recipients, endpoints=endpoints)


def _rate(number: float, seconds: float) -> float:
    return number / seconds if seconds > 0 else 0.0


def _rows(found: Measured) -> Iterator[list[str]]:
    for channel, figures in (("email", found.mail), ("webhook", found.hooks)):
        if figures:
            rate = _rate(figures["told"], figures["last_seconds"])
            floor = _rate(figures["told"], figures["floor_seconds"])
            yield [
                found.database,
                channel,
                f"{figures['told']:,.0f}",
                f"{figures['requests']:,.0f}",
                f"{figures['first_seconds'] * 1000:,.0f}",
                f"{figures['last_seconds']:.2f}",
                f"{rate:,.0f}",
                f"{floor:,.0f}",
                f"{rate / floor:.2f}" if floor else "",
            ]


def _show(console: Console, results: list[Measured]) -> None:
    table = Table(title="From the 202 to the sink (floor: the same requests from a bare loop, same run)")
    for column in ("database", "channel", "told", "requests", "first ms", "last s", "per s", "floor per s", "ratio"):
        table.add_column(column, justify="left" if column in ("database", "channel") else "right")
    for found in results:
        for row in _rows(found):
            table.add_row(*row)
    console.print(table)
    memory = Table(title="Peak memory of each process, MB")
    memory.add_column("process")
    for found in results:
        memory.add_column(f"{found.database} {found.recipients:,}", justify="right")
    for process in dict.fromkeys(name for found in results for name in found.memory):
        memory.add_row(process, *(f"{found.memory.get(process, 0):.0f}" for found in results))
    console.print(memory)
    console.print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="notifier.bench", description=__doc__)
    parser.add_argument("--recipients", type=int, default=100_000)
    parser.add_argument("--endpoints", type=int, default=5_000)
    parser.add_argument("--database", choices=["sqlite", "postgresql"])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    console = Console(stderr=options.json, width=None if sys.stdout.isatty() else 140)
    results = []
    for found in _run(options):
        results.append(found)
        console.print(f"{found.database}: {found.recipients:,} recipients, {found.endpoints:,} endpoints: done")
    if options.json:
        sys.stdout.write(json.dumps([asdict(found) for found in results], indent=2) + "\n")
    else:
        _show(console, results)


if __name__ == "__main__":
    main()
