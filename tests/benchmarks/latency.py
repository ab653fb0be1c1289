"""Section `latency`: time from the 202 to the first and the last recipient of each channel."""

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime

from notifier.bootstrap.api_container import ApiContainer
from notifier.supervise.installation import SystemFailedError
from tests.benchmarks.events import an_event
from tests.benchmarks.section import Bench, Report, Section, median, percentiles
from tests.benchmarks.stage import Sink, Stage, stage
from tests.support.load import add_endpoints, add_subscribers

_MAILS, _ENDPOINTS = 200, 25
_ACCOUNTS = ("x", "mastodon", "bluesky")
_CONFIG = "".join(
    f'[[accounts]]\nname = "{platform}-en"\nplatform = "{platform}"\nlocale = "en"\nbase_url = "sandbox"\n\n'
    for platform in _ACCOUNTS
)
_SECONDS, _POLL = 60.0, 0.03
_SHARES = (50, 95, 99)
_AUDIENCE = {"email": _MAILS, "webhook": _ENDPOINTS, "social": len(_ACCOUNTS)}
Times = Mapping[str, tuple[float, float]]
"""Per channel: seconds from the 202 to the first and to the last recipient."""


def run(bench: Bench) -> Iterator[Report]:
    """Measure one incident after another, on every database."""
    rows: list[list[str | float | None]] = []
    number = bench.options.incidents
    for kind in bench.databases:
        bench.say(f"latency: {kind}, {bench.rounds} times {number} incidents")
        account_lock: dict[tuple[str, str], list[Mapping[int, float]]] = defaultdict(list)
        with stage(bench.database_url(kind), _fill, config=_CONFIG) as on:
            _publish_and_measure(on, "warm-up")
            for turn in range(bench.rounds):
                measured = [_publish_and_measure(on, f"latency-{turn}-{place}") for place in range(number)]
                for channel in _AUDIENCE:
                    for end, name in enumerate(("first", "last")):
                        account_lock[channel, name].append(
                            percentiles([times[channel][end] for times in measured], _SHARES)
                        )
        for (channel, name), found in account_lock.items():
            middle = [median([one[share] for one in found]) * 1000 for share in _SHARES]
            rows.append([kind, channel, _AUDIENCE[channel], name, *middle])
    yield Report(
        title=f"From the 202 to the first and the last recipient, over {number} incidents one after another",
        columns=("database", "channel", "recipients", "told", "p50 ms", "p95 ms", "p99 ms"),
        rows=rows,
        notes=("mails and webhooks arrive at the sink, posts at the local stand-ins of X, Mastodon and Bluesky",),
    )


def _fill(notifier: ApiContainer, sink: Sink) -> None:
    add_subscribers(notifier, _MAILS, component="api")
    add_endpoints(notifier, _ENDPOINTS, sink.port)


def _publish_and_measure(on: Stage, incident: str) -> Times:
    on.system.call("POST", "/v1/events", an_event(incident, "api", title={"en": f"Outage {incident}"}))
    accepted = time.time()
    items = on.system.call("GET", f"/v1/incidents/{incident}/notifications")["items"]
    mail = next(item["id"] for item in items if item["channel"] == "email")
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        arrived = on.sink.stats()["notifications"]
        posts = [
            datetime.fromisoformat(post["created_at"]).timestamp()
            for post in on.system.ask_sandbox("GET", "/sandbox/api/posts")["items"]
            if f"Outage {incident}" in post["text"]
        ]
        mails, hooks = arrived.get(mail), arrived.get(f"webhook {incident}")
        done = mails and hooks and mails["recipients"] == _MAILS and hooks["recipients"] == _ENDPOINTS
        if done and len(posts) == len(_ACCOUNTS):
            ends = {"email": (mails["first"], mails["last"]), "webhook": (hooks["first"], hooks["last"])}
            ends["social"] = min(posts), max(posts)
            return {channel: (first - accepted, last - accepted) for channel, (first, last) in ends.items()}
        time.sleep(_POLL)
    raise SystemFailedError(f"{incident} was not told to everybody within {_SECONDS:g} s")


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--incidents", type=int, default=20, help="latency: incidents a round (20)")


SECTION = Section(
    name="latency",
    about="Percentiles of the time from the 202 to the first and the last recipient, per channel",
    run=run,
    options=_options,
)
