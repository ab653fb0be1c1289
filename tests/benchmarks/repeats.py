"""Repeats: duplicates per second answered to eight clients, and new events' latency meanwhile.

A runaway producer must not delay others. The clients post as fast as they are answered, each on its
own connection; new events, each of its own incident, arrive at a steady rate, first alone and then
during the flood.
"""

import argparse
import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Self
from urllib.parse import urlsplit

import orjson
import uvloop

from tests.benchmarks.events import an_event
from tests.benchmarks.section import Bench, Report, Section, median, percentiles
from tests.benchmarks.stage import stage

_CLIENTS = 8
_EVERY = 0.2  # seconds between new events
_WARM_UP = 0.5
_COLUMNS = ("database", "duplicates", "per s", "fresh", "p50 ms", "p95 ms", "p99 ms", "worst ms", "API ms each")


class Client:
    """One persistent connection, one request at a time, minimal HTTP."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str) -> None:
        """Take over an open connection."""
        self._reader, self._writer = reader, writer
        self._head = f"POST /v1/events HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n".encode()

    @classmethod
    async def connect(cls, url: str, token: str) -> Self:
        """Open a connection to the API."""
        address = urlsplit(url)
        return cls(*await asyncio.open_connection(address.hostname, address.port), token)

    async def publish(self, body: bytes) -> str:
        """Publish an event; returns the outcome, or the status if there is none."""
        self._writer.write(b"%bContent-Length: %d\r\n\r\n%b" % (self._head, len(body), body))
        head = await self._reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next(int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:"))
        answer = orjson.loads(await self._reader.readexactly(length))
        return str(answer.get("outcome", answer.get("status")))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        await self._writer.wait_closed()


@dataclass(slots=True)
class Measured:
    """The results of one period."""

    seconds: float
    outcomes: Counter[str] = field(default_factory=Counter)
    fresh: list[float] = field(default_factory=list)  # seconds until each was acknowledged
    processor: float = 0.0  # CPU seconds of the API process

    @property
    def rate(self) -> float:
        """Return duplicates answered per second."""
        return self.outcomes["duplicate"] / self.seconds


def _same(event: Mapping[str, Any]) -> Callable[[], bytes]:
    body = orjson.dumps(event)
    return lambda: body


def _under_other_ids(event: Mapping[str, Any], numbers: Iterator[int]) -> Callable[[], bytes]:
    return lambda: orjson.dumps({**event, "id": f"{event['id']}-{next(numbers)}"})


async def _flood(client: Client, body: Callable[[], bytes], found: Measured, end: float) -> None:
    while time.perf_counter() < end:
        found.outcomes[await client.publish(body())] += 1


async def _report(client: Client, found: Measured, numbers: Iterator[int], end: float) -> None:
    """Publish new events at a steady rate, however long each takes."""
    due = time.perf_counter() + _WARM_UP
    while due < end:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        body = orjson.dumps(an_event(f"fresh-{next(numbers)}", "checkout"))
        outcome = await client.publish(body)
        found.fresh.append(time.perf_counter() - due)
        found.outcomes[outcome] += 1
        due += _EVERY


async def _measure(
    url: str, token: str, body: Callable[[], bytes] | None, numbers: Iterator[int], seconds: float
) -> Measured:
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(await Client.connect(url, token)) for _ in range(_CLIENTS + 1)]
        found, end = Measured(seconds), time.perf_counter() + seconds
        floods = [_flood(client, body, found, end) for client in clients[1:]] if body else []
        await asyncio.gather(_report(clients[0], found, numbers, end), *floods)
    return found


def _row(database: str, kind: str, rounds: list[Measured]) -> list[str | float | None]:
    waits = percentiles([each * 1000 for found in rounds for each in found.fresh])
    worst = max(each for found in rounds for each in found.fresh) * 1000
    fresh = sum(found.outcomes["accepted"] for found in rounds)
    # The CPU cost of an answer does not depend on other load on the machine; the rate does.
    each = median([found.processor / found.outcomes.total() for found in rounds]) * 1000
    return [database, kind, median([found.rate for found in rounds]), fresh, *waits.values(), worst, each]


def _run(bench: Bench) -> Iterator[Report]:
    rows, seconds = [], float(bench.options.repeat_seconds)
    odd: Counter[str] = Counter()
    for database in bench.databases:
        found: dict[str, list[Measured]] = {}
        for number in range(bench.rounds):
            numbers = count()
            with stage(bench.database_url(database), lambda _notifier, _sink: None) as on:
                event = an_event("repeated", "checkout")
                on.system.call("POST", "/v1/events", event)
                kinds = {"none": None, "same event": _same(event), "other ids": _under_other_ids(event, numbers)}
                for kind, body in kinds.items():
                    used = on.usage()["api"].seconds
                    measured = uvloop.run(_measure(on.system.url, on.system.token, body, numbers, seconds))
                    measured.processor = on.usage()["api"].seconds - used
                    found.setdefault(kind, []).append(measured)
                    odd.update(measured.outcomes)
            bench.say(f"{database}: repeats, round {number + 1} of {bench.rounds} done")
        rows += [_row(database, kind, rounds) for kind, rounds in found.items()]
    refused = sum(number for outcome, number in odd.items() if outcome not in ("accepted", "duplicate"))
    yield Report(
        title=f"Duplicates from {_CLIENTS} clients, and what a fresh event waits for its answer meanwhile",
        columns=_COLUMNS,
        rows=rows,
        notes=[f"neither accepted nor duplicate: {refused}"],
    )


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--repeat-seconds", type=float, default=5.0, help="repeats: how long each flood lasts (5)")


SECTION = Section(name="repeats", about="Duplicates a second, and fresh events in a flood", run=_run, options=_options)
