"""The floor: a bare loop that posts prepared requests and does nothing else.

    python -m notifier.bench.floor mail PORT     the mail requests the sink kept, posted again
    python -m notifier.bench.floor hooks PORT N  N prepared webhooks to N loopback addresses

Prints the seconds it took.
"""

import asyncio
import sys
import time
import urllib.request
from collections import deque
from typing import cast

import orjson
import uvloop

_MAIL_CONNECTIONS = 8
_HOOK_CONNECTIONS = 256
_HOOK_BODY = b'{"type":"incident.created"' + b" " * 900 + b"}"


class _Poster(asyncio.Protocol):
    """Posts the next request as soon as the answer to the last one is there."""

    def __init__(self, queue: deque[bytes], done: asyncio.Future[None]) -> None:
        self._queue, self._done = queue, done
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class is none of asyncio's
        self._next()

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"HTTP/1.1 2"):
            self._next()

    def _next(self) -> None:
        assert self._transport is not None  # noqa: S101 - connected
        if self._queue:
            self._transport.write(self._queue.popleft())
        else:
            self._transport.close()
            if not self._done.done():
                self._done.set_result(None)


def _kept_requests(port: int) -> list[bytes]:
    base = f"http://127.0.0.1:{port}"
    with urllib.request.urlopen(f"{base}/stats") as answer:  # noqa: S310 - our own sink
        number = orjson.loads(answer.read())["kept"]
    bodies = []
    for place in range(number):
        with urllib.request.urlopen(f"{base}/kept/{place}") as answer:  # noqa: S310 - our own sink
            bodies.append(answer.read())
    head = "POST /v3/mail/send HTTP/1.1\r\nHost: sink\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n"
    return [head.format(len(body)).encode() + body for body in bodies]


async def _mail(port: int) -> float:
    queue = deque(await asyncio.to_thread(_kept_requests, port))
    loop = asyncio.get_running_loop()
    finished = [loop.create_future() for _ in range(_MAIL_CONNECTIONS)]
    started = time.perf_counter()
    for done in finished:
        await loop.create_connection(lambda done=done: _Poster(queue, done), "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.gather(*finished)
    return time.perf_counter() - started


async def _hooks(port: int, number: int) -> float:
    loop = asyncio.get_running_loop()
    free = asyncio.Semaphore(_HOOK_CONNECTIONS)
    request = b"POST /hook HTTP/1.1\r\nHost: x\r\nwebhook-id: %d\r\nContent-Length: %d\r\n\r\n%b"

    async def post(place: int) -> None:
        host = f"127.{1 + place // 62_500}.{place // 250 % 250}.{1 + place % 250}"
        async with free:
            done = loop.create_future()
            queue = deque([request % (place, len(_HOOK_BODY), _HOOK_BODY)])
            await loop.create_connection(lambda: _Poster(queue, done), host, port)
            await done

    started = time.perf_counter()
    await asyncio.gather(*(post(place) for place in range(number)))
    return time.perf_counter() - started


def main() -> None:
    """Run one bare loop."""
    kind, port = sys.argv[1], int(sys.argv[2])
    seconds = uvloop.run(_mail(port) if kind == "mail" else _hooks(port, int(sys.argv[3])))
    sys.stdout.write(f"{seconds:.6f}\n")


if __name__ == "__main__":
    main()
