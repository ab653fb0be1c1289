"""Section `lanes`: a critical incident while retries and a large maintenance notice run."""

import argparse
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import select, update

from notifier.bootstrap.api_container import ApiContainer
from notifier.domain.values import Channel, QueueName, Reason
from notifier.inbound.events import parse_event
from notifier.storage import tables as t
from tests.benchmarks.events import an_event
from tests.benchmarks.section import Bench, Report, Section, median
from tests.benchmarks.stage import Sink, Stage, stage
from tests.support.load import add_subscribers

_NEWS, _NOTICE, _RETRIES = "checkout", "storefront", "backoffice"
_FLOWS = 5_000  # recipients of the backlog that must have arrived before the incident
_SECONDS = 300.0
_POLL = 0.05


@dataclass(slots=True)
class Delivered:
    """Per round: seconds after the 202, and the backlog left then."""

    idle: list[Mapping[str, float]] = field(default_factory=list)
    busy: list[Mapping[str, float]] = field(default_factory=list)
    left: list[float] = field(default_factory=list)


def run(bench: Bench) -> Iterator[Report]:
    """Measure on every database."""
    options = bench.options
    rows: list[list[str | float | None]] = []
    sizes = f"{options.lane_retries:,} retries and a notice to {options.lane_notice:,}"
    for kind in bench.databases:
        bench.say(f"lanes: {kind}, {options.lane_news:,} recipients beside {sizes}")
        delivered = _measure(bench, kind)
        idle, busy = _middle(delivered.idle), _middle(delivered.busy)
        for name, figures in (("idle", idle), ("beside it", busy)):
            backlog = int(median(delivered.left)) if name != "idle" else 0
            ratio = figures["last"] / idle["last"]
            rows.append([kind, name, backlog, figures["first"] * 1000, figures["last"], ratio])
    yield Report(
        title=f"News to {options.lane_news:,} people, idle and beside {sizes}",
        columns=("database", "when", "backlog left", "first ms", "last s", "times idle"),
        rows=rows,
        notes=("backlog left: recipients of the retries and the notice still to be told when the news was out",),
    )


def _middle(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: median([one[name] for one in rounds]) for name in ("first", "last")}


def _measure(bench: Bench, kind: str) -> Delivered:
    options, delivered = bench.options, Delivered()

    def fill(notifier: ApiContainer, _sink: Sink) -> None:
        add_subscribers(notifier, options.lane_news, component=_NEWS, prefix="news")
        add_subscribers(notifier, options.lane_notice, component=_NOTICE, prefix="notice")
        add_subscribers(notifier, options.lane_retries, component=_RETRIES, prefix="retry")
        _plan_retries(notifier)

    with stage(bench.database_url(kind), fill) as on:
        for number in range(bench.rounds):
            delivered.idle.append(_news(on, f"idle-{number}", options.lane_news))
        on.sink.reset()
        _let_retries_go(on)
        notice = an_event("notice", _NOTICE, impact="maintenance", status="scheduled")
        on.system.call("POST", "/v1/events", notice)
        on.sink.wait_for(min(_FLOWS, options.lane_notice), seconds=_SECONDS)
        whole = options.lane_retries + options.lane_notice
        for number in range(bench.rounds):
            delivered.busy.append(_news(on, f"busy-{number}", options.lane_news))
            delivered.left.append(whole - on.sink.stats()["recipients"] + (number + 1) * options.lane_news)
    return delivered


def _plan_retries(notifier: ApiContainer) -> None:
    """Plan an incident whose mails the provider has just refused: its batches await a retry."""
    notifier.publish(parse_event(json.dumps(an_event("refused", _RETRIES)), now=notifier.clock()))
    with notifier.database.read() as connection:
        waiting = list(connection.execute(select(t.notification.c.id)).scalars())
    for number in waiting:
        notifier.plan.run(number)
    refused = {"lane": QueueName.RETRY.value, "reason": Reason.SERVER_ERROR.value, "attempts": 1}
    with notifier.database.write() as connection:
        connection.execute(update(t.batch).values(refused | {"due_at": notifier.clock() + timedelta(days=1)}))


def _let_retries_go(on: Stage) -> None:
    """Make all retries due now: the provider is back."""
    with on.ledger() as notifier, notifier.database.write() as connection:
        due = update(t.batch).where(t.batch.c.lane == QueueName.RETRY.value)
        connection.execute(due.values(due_at=notifier.clock(), nudged_at=None))


def _news(on: Stage, incident: str, expected: int) -> dict[str, float]:
    """Publish a critical incident and wait for all its recipients; seconds after the 202."""
    on.system.call("POST", "/v1/events", an_event(incident, _NEWS))
    accepted = time.time()
    name = _mail_of(on, incident)
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        arrived = on.sink.stats()["notifications"].get(name)
        if arrived and arrived["recipients"] >= expected:
            return {"first": arrived["first"] - accepted, "last": arrived["last"] - accepted}
        time.sleep(_POLL)
    return {"first": _SECONDS, "last": _SECONDS}


def _mail_of(on: Stage, incident: str) -> str:
    """Return the public id of an incident's mail notification."""
    items = on.system.call("GET", f"/v1/incidents/{incident}/notifications")["items"]
    return next(str(item["id"]) for item in items if item["channel"] == Channel.EMAIL)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lane-retries", type=int, default=200_000, help="lanes: retries in their queue (200000)")
    parser.add_argument("--lane-notice", type=int, default=500_000, help="lanes: recipients of the notice (500000)")
    parser.add_argument("--lane-news", type=int, default=10_000, help="lanes: recipients of the incident (10000)")


SECTION = Section(
    name="lanes",
    about="A critical incident while retries and a large maintenance notice are under way",
    run=run,
    options=_options,
)
