"""Section `lists`: import a long list and plan messages to it."""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import orjson
from sqlalchemy import text

from notifier.bootstrap.api_container import ApiContainer
from notifier.domain.values import Channel, QueueName
from notifier.inbound.events import parse_event
from notifier.services.dispatch.plan import Plan
from notifier.services.events.ingest import Ingest
from notifier.settings import load_settings
from tests.benchmarks.events import an_event
from tests.benchmarks.section import Bench, Report, Section, median
from tests.support.processes import server_pid, usage_of

_HEADER = "external_id,kind,email,name,locale,timezone,state,channels,components,min_impact,updates,maintenance\n"
_LOCALES = ("nl", "nl", "nl", "en", "en", "de", "fr")
_ZONES = ("Europe/Amsterdam", "Europe/Amsterdam", "Europe/London", "Europe/Berlin", "America/New_York")
_COMPONENTS = ("", "storefront", "storefront;checkout", "checkout;storefront;api")
_IMPACTS = ("none", "minor", "major", "critical")
_UPDATES = ("all", "all", "milestones")
_MICRO = 1e6
_POLL = 0.05
_NIGHT = "UPDATE subscriber SET quiet_from = 0, quiet_to = 1439"  # applies at any time of day
_TABLES = ("delivery", "batch", "verdict", "plan_range")


@dataclass
class _Watch:
    """A task queue that records when the first batch could have been sent."""

    first: float | None = None
    planned: list[int] = field(default_factory=list)

    def plan(self, notification_id: int) -> None:
        self.planned.append(notification_id)

    def attempt(self, queue: QueueName, batch_ids: Sequence[int]) -> None:
        del queue
        if batch_ids and self.first is None:
            self.first = time.perf_counter()

    def depth(self, queue: QueueName) -> int:
        del queue
        return 0


@dataclass(frozen=True, slots=True)
class _Spent:
    """CPU seconds used so far: by us, by ended child processes, and by the database server."""

    server: int | None

    def __call__(self) -> float:
        ours = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        seconds = sum(used.ru_utime + used.ru_stime for used in ours)
        others = {"postgresql": self.server} if self.server else {}
        return seconds + sum(used.seconds for name, used in usage_of(os.getpid(), others).items() if name in others)


def run(bench: Bench) -> Iterator[Report]:
    """Import a list on every database, and plan messages to everyone on it."""
    number = bench.options.rows
    if not number:
        return
    imported: list[list[str | float | None]] = []
    planned: list[list[str | float | None]] = []
    for kind in bench.databases:
        with tempfile.TemporaryDirectory(prefix="notifier-bench-") as name:
            folder, url = Path(name), bench.database_url(kind)
            variables = {"NOTIFIER_DATA_DIR": str(folder / "data"), **({"NOTIFIER_DATABASE_URL": url} if url else {})}
            _write_list(folder / "list.csv", number)
            notifier = ApiContainer(load_settings(variables, cwd=folder))
            try:
                notifier.migrate()
                spent = _Spent(None if notifier.database.is_sqlite else server_pid(notifier.database))
                for again in (False, True):
                    bench.say(f"lists: {kind}, {number:,} rows{', again' if again else ''}")
                    found = _import(folder, variables, spent)
                    imported.append([kind, "unchanged" if again else "new", number, *found])
                planned += [[kind, *row] for row in _plan(bench, notifier, kind, spent)]
            finally:
                notifier.close()
    yield Report(
        title="A CSV list brought in by `notifier subscribers import`",
        columns=("database", "rows are", "rows", "seconds", "rows/s", "peak MB", "us each"),
        rows=imported,
        notes=("peak MB: resident memory of the importing process; us each: processor time a row, the database's too",),
    )
    yield Report(
        title="An audience selected and planned, with nobody sending beside it",
        columns=("database", "message", "planned", "first ms", "seconds", "per s", "us each"),
        rows=planned,
        notes=(
            "first ms: from the start of planning until the first batch is committed and can be sent",
            "us each: processor time a recipient, the database's too",
        ),
    )


def _write_list(path: Path, number: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(_HEADER)
        for place in range(number):
            email = f"owner.{place}@shop{place % 9973}.example"
            locale, zone = _LOCALES[place % len(_LOCALES)], _ZONES[place // 3 % len(_ZONES)]
            wanted = f"{_COMPONENTS[place % 4]},{_IMPACTS[place // 4 % 4]},{_UPDATES[place // 16 % 3]}"
            file.write(f"shop-{place},merchant,{email},Shop {place},{locale},{zone},active,email,{wanted},true\n")


def _import(folder: Path, variables: Mapping[str, str], spent: _Spent) -> list[float]:
    """Return seconds, rows per second, peak memory in MB, and CPU microseconds per row."""
    command = [sys.executable, "-m", "notifier", "subscribers", "import", str(folder / "list.csv"), "--json"]
    started, before, peak = time.perf_counter(), spent(), 0.0
    with subprocess.Popen(command, cwd=folder, env={**os.environ, **variables}, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while process.poll() is None:
            # Not ru_maxrss: it includes what this process had when it forked.
            peak = max([peak, *(used.peak_mb for used in usage_of(process.pid).values())])
            time.sleep(_POLL)
        report = orjson.loads(process.stdout.read())
    seconds = time.perf_counter() - started
    if process.returncode or report["rejected"]:
        raise RuntimeError(f"the list was not taken: {report['rejected']} rows refused, exit {process.returncode}")
    return [seconds, report["rows"] / seconds, peak, (spent() - before) / report["rows"] * _MICRO]


def _plan(bench: Bench, notifier: ApiContainer, kind: str, spent: _Spent) -> Iterator[list[str | float | None]]:
    """Yield a row per kind of message: an incident's first, a later one, one in quiet hours."""
    messages = ("first", "later", "first, all quiet")
    timed: dict[str, list[_Timed]] = {name: [] for name in messages}
    for episode in range(bench.rounds):
        bench.say(f"lists: {kind}, planning, round {episode + 1}")
        _empty(notifier)
        timed["first"].append(_plan_once(notifier, spent, f"bench-{episode}", "investigating"))
        with notifier.database.write() as connection:
            connection.execute(text("UPDATE batch SET state = 'accepted', due_at = NULL"))
        timed["later"].append(_plan_once(notifier, spent, f"bench-{episode}", "resolved"))
    with notifier.database.write() as connection:
        connection.execute(text(_NIGHT))
    _vacuum(notifier)
    for episode in range(bench.rounds):
        _empty(notifier)
        timed["first, all quiet"].append(
            _plan_once(notifier, spent, f"night-{episode}", "investigating", impact="major")
        )
    for name, results in timed.items():
        number, seconds = median([one.number for one in results]), median([one.seconds for one in results])
        firsts = [one.first for one in results if one.first is not None]
        cost = median([one.spent for one in results]) / number * _MICRO
        yield [name, int(number), median(firsts) * 1000 if firsts else None, seconds, number / seconds, cost]


@dataclass(frozen=True, slots=True)
class _Timed:
    """A planned message: recipients; seconds to the first batch and to the end; CPU seconds."""

    number: int
    first: float | None
    seconds: float
    spent: float


def _plan_once(
    notifier: ApiContainer, spent: _Spent, incident: str, status: str, *, impact: str = "critical"
) -> _Timed:
    watch, ahead = _Watch(), timedelta(seconds=1 if status == "resolved" else 0)

    def clock() -> datetime:
        return notifier.clock() + ahead

    event = an_event(incident, "storefront", status=status, impact=impact)
    event["id"], event["update"]["id"] = f"{event['id']}-{status}", f"upd-{incident}-{status}"
    policies = {Channel.EMAIL: notifier.policies[Channel.EMAIL]}
    Ingest(notifier.database, policies, clock, watch).take(parse_event(orjson.dumps(event), now=clock()))
    started, before = time.perf_counter(), spent()
    number = sum(Plan(notifier.database, clock, watch).run(planned) for planned in list(watch.planned))
    seconds = time.perf_counter() - started
    return _Timed(number, watch.first and watch.first - started, seconds, spent() - before)


def _empty(notifier: ApiContainer) -> None:
    with notifier.database.write() as connection:
        for table in _TABLES:
            connection.execute(text(f"DELETE FROM {table}" if notifier.database.is_sqlite else f"TRUNCATE {table}"))  # noqa: S608


def _vacuum(notifier: ApiContainer) -> None:
    """Vacuum after changing every row, as a running PostgreSQL does by itself."""
    engine = notifier.database.engine.execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE" if notifier.database.is_sqlite else "VACUUM ANALYZE subscriber")


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=100_000, help="lists: rows of the list (100000); 0 for none")


SECTION = Section(
    name="lists",
    about="A list of --rows subscribers imported, and messages to all of them planned",
    run=run,
    options=_options,
)
