"""Webhooks without a database: the engine's client, plain aiohttp, the engine, and it with httpx.

    python -m tests.benchmarks.hook_clients client|aiohttp|engine|httpx PORT N ROUNDS

Each posts the same signed bytes to N loopback addresses, ROUNDS times, and prints the rates.
"""

import asyncio
import gc
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial

import aiohttp
import uvloop

from notifier.channels.webhook import (
    EngineLimits,
    TargetPolicy,
    VettedUrl,
    WebhookEngine,
    parse_networks,
    vet_url,
)
from notifier.channels.webhook.http.tls import client_context
from notifier.channels.webhook.http.transport import HttpTransport
from notifier.channels.webhook.signing import signature_headers
from notifier.channels.webhook_keys import new_secret
from notifier.domain.messages.message import HookRequest
from tests.benchmarks.httpx_transport import HttpxTransport
from tests.benchmarks.machine import open_files
from tests.support.load import hook_host

_AT_ONCE = 512
_BATCH, _BATCHES_AT_ONCE = 500, 4
_BODY = b'{"type":"incident.created","data":"' + b"x" * 1_000 + b'"}'
_POLICY = TargetPolicy(allow_networks=parse_networks(["127.0.0.0/8"]))
_AGENT = {"User-Agent": "bench", "Accept": "*/*", "Accept-Encoding": "identity", "Content-Type": "application/json"}


Request = tuple[VettedUrl, dict[str, str]]
"""The target and its signed headers."""


async def client(port: int, number: int, rounds: int) -> list[float]:
    """Post with the engine's client in a bare loop: URLs vetted and requests signed in advance."""
    transport = HttpTransport(EngineLimits(), client_context())

    async def post(url: VettedUrl, headers: Mapping[str, str]) -> None:
        await transport.post(url, (url.host,), headers, _BODY, budget=15)

    work = _signed(port, number)
    rates = [await _round(post, work) for _ in range(rounds)]
    await transport.close()
    return rates


async def plain_aiohttp(port: int, number: int, rounds: int) -> list[float]:
    """Post with aiohttp in a bare loop, with one overall time-out and no guard.

    It can keep all connections or none, and there may be more hosts than a process may open files.
    """
    few = number <= EngineLimits().idle_sockets
    connector = aiohttp.TCPConnector(limit=0, **({"keepalive_timeout": 60} if few else {"force_close": True}))
    session = aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=15),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
    )

    async def post(url: VettedUrl, headers: Mapping[str, str]) -> None:
        where = f"http://{url.authority}{url.target}"
        async with session.post(where, data=_BODY, headers=headers, allow_redirects=False) as answer:
            await answer.read()

    work = _signed(port, number)
    rates = [await _round(post, work) for _ in range(rounds)]
    await session.close()
    return rates


def _signed(port: int, number: int) -> list[Request]:
    now, secret = datetime.now(UTC), new_secret()
    return [
        (
            vet_url(f"http://{hook_host(place)}:{port}/hook", _POLICY),
            {**_AGENT, **signature_headers(f"bench_{place}", now, _BODY, [secret])},
        )
        for place in range(number)
    ]


async def _round(post: Callable[[VettedUrl, Mapping[str, str]], Awaitable[None]], work: Sequence[Request]) -> float:
    left = iter(work)

    async def several() -> None:
        for url, headers in left:
            await post(url, headers)

    began = time.perf_counter()
    await asyncio.gather(*(several() for _ in range(_AT_ONCE)))
    return len(work) / (time.perf_counter() - began)


def engine(port: int, number: int, rounds: int, *, with_httpx: bool) -> list[float]:
    """Post with the engine, in batches like workers, without a database."""
    running = WebhookEngine(policy=_POLICY, transport=HttpxTransport if with_httpx else HttpTransport)
    secrets = [new_secret() for _ in range(number)]
    rates = [_delivered(running, secrets, port, turn) for turn in range(rounds)]
    running.close()
    return rates


def _delivered(running: WebhookEngine, secrets: Sequence[str], port: int, turn: int) -> float:
    began = time.perf_counter()
    with ThreadPoolExecutor(_BATCHES_AT_ONCE) as threads:
        starts = range(0, len(secrets), _BATCH)
        taken = sum(threads.map(partial(_deliver, running, secrets, port, turn), starts))
    return taken / (time.perf_counter() - began)


def _deliver(running: WebhookEngine, secrets: Sequence[str], port: int, turn: int, start: int) -> int:
    requests = [
        HookRequest(
            delivery_id=f"bench{turn}_{place}",
            endpoint_id=place,
            url=f"http://{hook_host(place)}:{port}/hook",
            body=_BODY,
            secrets=[secrets[place]],
        )
        for place in range(start, min(start + _BATCH, len(secrets)))
    ]
    return sum(result.error is None for result in running.deliver(requests))


def main() -> None:
    """Run one of them."""
    kind, port, number, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    open_files()
    gc.freeze()  # as workers do (workers/main.py)
    gc.set_threshold(50_000, 20, 50)
    alone = {"client": client, "aiohttp": plain_aiohttp}
    if kind in alone:
        rates = uvloop.run(alone[kind](port, number, rounds))
    else:
        rates = engine(port, number, rounds, with_httpx=kind == "httpx")
    sys.stdout.write(" ".join(f"{one:.1f}" for one in rates) + "\n")


if __name__ == "__main__":
    main()
