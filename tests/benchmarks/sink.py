"""A counting receiver: reads mail requests and webhooks as fast as Python can, counts arrivals.

Mail requests are parsed as a provider must, and each delivery is compared with earlier ones.

    python -m tests.benchmarks.sink PORT [--keep N]

`GET /stats` answers `{"requests", "recipients", "bytes", "first", "last", "repeats",
"notifications"}`, with times in Unix seconds, since the last `POST /reset`; also per notification
(mails by id, webhooks by `webhook <incident>`): `{"first", "last", "recipients"}`. `GET /kept/<n>`
returns the body of the n-th kept request, for the bare loop to post again. `GET /times` returns
when each webhook arrived; one posted to `/hang` is counted as `hanging` and never answered.
Connections are kept until nine tenths of the allowed open files are in use; from then on each takes
one request.
"""

import argparse
import asyncio
import re
import sys
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import cast

import orjson
import uvloop

from tests.benchmarks.machine import open_files

_HOOK_ID = re.compile(rb"\r\nwebhook-id: ([^\r]+)", re.IGNORECASE)
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


@lru_cache(maxsize=64)
def _hook_name(body: bytes) -> str:
    """Return the name of a webhook's incident; cached, because thousands get the same bytes."""
    return f"webhook {orjson.loads(body)['data']['incident']['id']}"


@dataclass(slots=True)
class Arrivals:
    """The arrivals of one notification."""

    first: float
    last: float
    recipients: int = 0


@dataclass(slots=True)
class SinkCounts:
    """The arrivals since the last reset."""

    keep: int
    requests: int = 0
    recipients: int = 0
    size: int = 0
    first: float | None = None
    last: float | None = None
    kept: list[bytes] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)  # hashes: a million ids would take 100 MB
    repeats: int = 0
    told: dict[str, Arrivals] = field(default_factory=dict)
    times: "array[float]" = field(default_factory=lambda: array("d"))
    hanging: int = 0
    room: int = field(default_factory=lambda: open_files() * 9 // 10)  # beyond: one request each
    connections: int = 0

    def note(self, head: bytes, body: bytes) -> int:
        """Count one request; returns its number of recipients."""
        now = time.time()
        self.first = self.first or now
        self.last = now
        self.requests += 1
        self.size += len(body)
        if hook := _HOOK_ID.search(head):
            recipients = 1
            self.times.append(now)
            self._note_ids([hook[1]])
            if b'"incident":' in body:
                self._note_arrivals(_hook_name(body), 1, now)
        else:
            recipients = self._note_mail(body, now)
        self.recipients += recipients
        if len(self.kept) < self.keep:
            self.kept.append(body)
        return recipients

    def _note_mail(self, body: bytes, now: float) -> int:
        arguments = [one["custom_args"] for one in orjson.loads(body)["personalizations"] if one["to"][0]["email"]]
        self._note_ids([one["delivery_id"] for one in arguments])
        self._note_arrivals(arguments[0]["notification_id"], len(arguments), now)
        return len(arguments)

    def _note_arrivals(self, name: str, recipients: int, now: float) -> None:
        arrivals = self.told.setdefault(name, Arrivals(now, now))
        arrivals.last = now
        arrivals.recipients += recipients

    def _note_ids(self, ids: Sequence[str | bytes]) -> None:
        before = len(self.seen)
        self.seen.update(map(hash, ids))
        self.repeats += before + len(ids) - len(self.seen)

    def clear(self) -> None:
        """Reset all counts."""
        self.requests = self.recipients = self.size = self.repeats = 0
        self.first = self.last = None
        self.kept.clear()
        self.seen.clear()
        self.told.clear()
        self.hanging = 0
        del self.times[:]

    def as_json(self) -> bytes:
        """Return the counts."""
        return orjson.dumps(
            {
                "requests": self.requests,
                "recipients": self.recipients,
                "bytes": self.size,
                "first": self.first,
                "last": self.last,
                "kept": len(self.kept),
                "kept_bytes": sum(map(len, self.kept)),
                "repeats": self.repeats,
                "distinct": len(self.seen),
                "notifications": self.told,
                "hanging": self.hanging,
            }
        )


class Receiver(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, as much as our clients need."""

    def __init__(self, counts: SinkCounts) -> None:
        self._counts = counts
        self._pieces: list[bytes] = []
        self._size = 0
        self._needed = 0
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for answers."""
        stream = cast("asyncio.Transport", transport)  # uvloop's class is not a subclass of asyncio's
        peer = stream.get_extra_info("peername")
        if peer is None or not str(peer[0]).startswith("127."):
            stream.close()  # we listen everywhere only to have 5,000 loopback addresses
        self._transport = stream
        self._counts.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        """Uncount the connection."""
        del exc
        self._counts.connections -= 1

    def data_received(self, data: bytes) -> None:
        """Collect data until a request is complete, then answer it."""
        self._pieces.append(data)
        self._size += len(data)
        if self._size < self._needed:
            return
        buffer = b"".join(self._pieces)
        while buffer:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                break
            length = _LENGTH.search(buffer, 0, end + 2)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(buffer) < whole:
                self._needed = whole
                break
            self._answer(buffer[: end + 2], buffer[end + 4 : whole])
            buffer = buffer[whole:]
            self._needed = 0
        self._pieces, self._size = [buffer] if buffer else [], len(buffer)

    def _answer(self, head: bytes, body: bytes) -> None:
        method, path, _ = head.split(b" ", 2)
        if method == b"GET" or path == b"/reset":
            self._control(path)
            return
        if path == b"/hang":
            self._counts.hanging += 1
            return
        self._counts.note(head, body)
        if path.endswith(b"/mail/send"):
            message_id = b"%022d" % self._counts.requests
            self._write(b"202 Accepted", b"", b"X-Message-Id: " + message_id + b"\r\n")
        else:
            self._write(b"200 OK", b"")

    def _control(self, path: bytes) -> None:
        counts = self._counts
        if path == b"/stats":
            self._write(b"200 OK", counts.as_json())
        elif path == b"/times":
            self._write(b"200 OK", orjson.dumps(list(counts.times)))
        elif path.startswith(b"/kept/"):
            self._write(b"200 OK", counts.kept[int(path[6:])])
        elif path == b"/reset":
            counts.clear()
            self._write(b"204 No Content", b"")
        else:
            self._write(b"404 Not Found", b"")

    def _write(self, status: bytes, body: bytes, headers: bytes = b"") -> None:
        assert self._transport is not None
        crowded = self._counts.connections > self._counts.room
        if crowded:
            headers += b"Connection: close\r\n"
        head = b"HTTP/1.1 %b\r\nContent-Length: %d\r\n%b\r\n" % (status, len(body), headers)
        self._transport.write(head + body)
        if crowded:
            self._transport.close()


async def serve(port: int, keep: int) -> None:
    """Listen on every loopback address until stopped; prints the port when ready."""
    counts = SinkCounts(keep=keep)
    server = await asyncio.get_running_loop().create_server(
        lambda: Receiver(counts),
        "0.0.0.0",  # noqa: S104 - connections from elsewhere are closed at once
        port,
        backlog=4096,
    )
    sys.stdout.write(f"sink listening on {server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


def main() -> None:
    """Run the sink."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--keep", type=int, default=120)
    options = parser.parse_args()
    uvloop.run(serve(options.port, options.keep))


if __name__ == "__main__":
    main()
