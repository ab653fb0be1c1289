"""Section `signals`: alerts of an outage that come as reports, and what it takes to answer them."""

import argparse
import json
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import uvloop

from tests.benchmarks.poster import post_all
from tests.benchmarks.section import Bench, Report, Section, percentiles
from tests.benchmarks.stage import Stage, stage

_GROUPS, _ADDED, _CONNECTIONS = 500, 5, 2
_SHARES = (50, 95, 99)
_API = "api"


def run(bench: Bench) -> Iterator[Report]:
    """Post whole groups that grow by five alerts a report, as an Alertmanager does, on every database."""
    number, rows = bench.options.alerts, []
    for kind in bench.databases:
        bench.say(f"signals: {kind}, {number:,} alerts in {_GROUPS} groups")
        with stage(bench.database_url(kind), lambda _notifier, _sink: None) as on:
            port = urlsplit(on.system.url).port or 0
            bodies = [_request(on, place) for place in range(number // _ADDED)]
            half = len(bodies) // 2
            began = time.perf_counter()
            first = uvloop.run(post_all(bodies[:half], port, connections=_CONNECTIONS))
            before = on.usage()[_API].peak_mb
            second = uvloop.run(post_all(bodies[half:], port, connections=_CONNECTIONS))
            seconds = time.perf_counter() - began
            after = on.usage()[_API].peak_mb
            waits = percentiles([*first.seconds, *second.seconds], _SHARES)
            row: list[str | float | None] = [kind, number, number / seconds]
            rows.append([*row, len(bodies) / seconds, *(waits[share] * 1000 for share in _SHARES), before, after])
    yield Report(
        title=f"Alerts taken as reports by one API process, {_CONNECTIONS} at once, in {_GROUPS} groups",
        columns=(
            "database",
            "alerts",
            "alerts per s",
            "reports per s",
            "p50 ms",
            "p95 ms",
            "p99 ms",
            "peak MB, half-way",
            "peak MB, end",
        ),
        rows=rows,
        notes=(
            f"each report names its whole group, which grew by {_ADDED} alerts; each group is of one component of five",
        ),
    )


def _request(on: Stage, place: int) -> bytes:
    group = place % _GROUPS
    components = ("backoffice", "storefront", "checkout", "api", "pos")
    alerts = [
        {
            "status": "firing",
            "labels": {"alertname": f"Alert{group}", "severity": "critical", "component": components[group % 5]},
            "annotations": {"summary": f"Errors of group {group}"},
            "startsAt": "2026-08-01T09:57:30Z",
            "fingerprint": f"{group:08x}{number:08x}",
        }
        for number in range((place // _GROUPS + 1) * _ADDED)
    ]
    body = json.dumps({"version": "4", "groupKey": f"g{group}", "truncatedAlerts": 0, "alerts": alerts}).encode()
    head = (
        f"POST /v1/inbound/alertmanager/bench HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {on.system.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--alerts", type=int, default=10_000, help="signals: alerts posted (10000)")


SECTION = Section(
    name="signals", about="Reports of alerts taken per second", run=run, options=_options, by_default=False
)
