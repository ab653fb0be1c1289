"""Section `intake`: events per second that the API stores and acknowledges, and their latency."""

import argparse
import json
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import uvloop

from tests.benchmarks.events import an_event
from tests.benchmarks.poster import Posted, post_all
from tests.benchmarks.section import Bench, Report, Section, median, percentiles
from tests.benchmarks.stage import Stage, stage

_CONNECTIONS = 16
_SHARES = (50, 95, 99)


def run(bench: Bench) -> Iterator[Report]:
    """Measure on every database, with and without an announcement."""
    rows: list[list[str | float | None]] = []
    number = bench.options.events
    for kind in bench.databases:
        bench.say(f"intake: {kind}, {number:,} events")
        with stage(bench.database_url(kind), lambda _notifier, _sink: None) as on:
            for label, notify in (("recorded", False), ("announced", True)):
                rates, waits, refused = [], [], 0
                for turn in range(bench.rounds):
                    seconds, posted = _post(on, f"{label}-{turn}", number, notify=notify)
                    rates.append(number / seconds)
                    waits.append(percentiles(posted.seconds, _SHARES))
                    refused += posted.refused
                middle = [median([one[share] for one in waits]) * 1000 for share in _SHARES]
                rows.append([kind, label, number, median(rates), *middle, refused])
    yield Report(
        title=f"Events stored and acknowledged by one API process, {_CONNECTIONS} at once",
        columns=("database", "events", "number", "per s", "p50 ms", "p95 ms", "p99 ms", "told to wait"),
        rows=rows,
        notes=("every event is the first of an incident of its own; announced: each makes a notification per channel",),
    )


def _post(on: Stage, name: str, number: int, *, notify: bool) -> tuple[float, Posted]:
    bodies = [_request(on, f"{name}-{place}", notify=notify) for place in range(number)]
    started = time.perf_counter()
    posted = uvloop.run(post_all(bodies, urlsplit(on.system.url).port or 0, connections=_CONNECTIONS))
    return time.perf_counter() - started, posted


def _request(on: Stage, incident: str, *, notify: bool) -> bytes:
    body = json.dumps(an_event(incident, "pos") | {"notify": notify}).encode()
    head = (
        f"POST /v1/events HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {on.system.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--events", type=int, default=1_000, help="intake: events a round (1000)")


SECTION = Section(name="intake", about="Events the API stores and acknowledges per second", run=run, options=_options)
