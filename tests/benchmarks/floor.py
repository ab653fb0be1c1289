"""The floor: a bare loop that posts prepared requests and does nothing else.

    python -m tests.benchmarks.floor mail PORT     post the mail requests the sink kept again
    python -m tests.benchmarks.floor hooks PORT N  post N prepared webhooks to N loopback addresses

Prints the seconds taken.
"""

import asyncio
import sys
import time
import urllib.request

import orjson
import uvloop

from tests.benchmarks.poster import post_all

_MAIL_CONNECTIONS = 8
_HOOK_CONNECTIONS = 256
_HOOK_BODY = b'{"type":"incident.created"' + b" " * 900 + b"}"


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


def _reset(port: int) -> None:
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/reset", method="POST")
    urllib.request.urlopen(asked).close()  # noqa: S310


async def _mail(port: int) -> float:
    requests = await asyncio.to_thread(_kept_requests, port)
    await asyncio.to_thread(_reset, port)
    started = time.perf_counter()
    await post_all(requests, port, connections=_MAIL_CONNECTIONS)
    return time.perf_counter() - started


async def _hooks(port: int, number: int) -> float:
    free = asyncio.Semaphore(_HOOK_CONNECTIONS)
    request = b"POST /hook HTTP/1.1\r\nHost: x\r\nwebhook-id: %d\r\nContent-Length: %d\r\n\r\n%b"

    async def post(place: int) -> None:
        host = f"127.{1 + place // 62_500}.{place // 250 % 250}.{1 + place % 250}"
        async with free:
            await post_all([request % (place, len(_HOOK_BODY), _HOOK_BODY)], port, host=host, connections=1)

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
