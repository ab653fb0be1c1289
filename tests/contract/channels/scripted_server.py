"""An HTTP peer that does, request by request, what a script says: refuse, stall, hang up, answer half.

with scripted(Reply(503), Drop(), Reply(202, {"X-Message-Id": "m"})) as peer:
    ... peer.url, peer.requests
"""

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    """Answer with a status, headers and a body (JSON unless it is bytes)."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = b""


@dataclass(frozen=True)
class Drop:
    """Read the whole request, then hang up without an answer."""


@dataclass(frozen=True)
class Reset:
    """Hang up hard once the head is read, the body unread; with `status`, answer first."""

    status: int | None = None


@dataclass(frozen=True)
class Half:
    """Announce a body, send half of it, hang up."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Stall:
    """Read the whole request and say nothing until the peer is closed."""


@dataclass(frozen=True)
class Trickle:
    """Send an endless header, a byte at a time."""


Step = Reply | Drop | Reset | Half | Stall | Trickle


@dataclass(frozen=True)
class Seen:
    """A request as it arrived; header names in lower case; `connection` tells connections apart."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: int

    def json(self) -> Any:
        return json.loads(self.body)


Answerer = Callable[[Seen], Step]


class Peer(ThreadingHTTPServer):
    """The server; `requests` holds what came, whole ones only."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, steps: list[Step | Answerer]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.steps = steps
        self.requests: list[Seen] = []
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self.begun = 0  # requests whose head was read, whole or not

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def next_step(self) -> Step | Answerer:
        with self.lock:
            self.begun += 1
            return self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Peer

    def _serve(self) -> None:
        step = self.server.next_step()
        if isinstance(step, Reset):
            self._reset(step)
            return
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = Seen(self.command, self.path, headers, body, self.client_address[1])
        self.server.requests.append(seen)
        self._act(step(seen) if callable(step) else step)

    def _act(self, step: Step) -> None:
        match step:
            case Reply():
                data = step.body if isinstance(step.body, bytes) else json.dumps(step.body).encode()
                kind = {} if isinstance(step.body, bytes) else {"Content-Type": "application/json"}
                self._head(step.status, {**kind, "Content-Length": str(len(data)), **step.headers})
                self.wfile.write(data)
            case Half():
                self._head(step.status, {"Content-Type": "application/json", "Content-Length": "40", **step.headers})
                self.wfile.write(b'{"data": {"id": "1')
                self.close_connection = True
            case Stall():
                self.close_connection = True
                self.server.closing.wait(30)
            case Trickle():
                self.close_connection = True
                self._trickle()
            case _:
                self.close_connection = True

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _trickle(self) -> None:
        with suppress(OSError):
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not self.server.closing.wait(0.02):
                self.wfile.write(b"x")

    def _reset(self, step: Reset) -> None:
        if step.status is not None:
            self._head(step.status, {"Content-Length": "0", "Connection": "close"})
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the names http.server calls

    def handle(self) -> None:
        with suppress(OSError, ValueError):
            super().handle()

    def finish(self) -> None:
        with suppress(OSError, ValueError):
            super().finish()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def scripted(*steps: Step | Answerer, tls: ssl.SSLContext | None = None) -> Iterator[Peer]:
    """Serve a script on a free port of 127.0.0.1; its last step is repeated."""
    peer = Peer(list(steps))
    if tls is not None:
        peer.socket = tls.wrap_socket(peer.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=peer.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield peer
    finally:
        peer.closing.set()
        peer.shutdown()
        peer.server_close()
        thread.join(5)


def closed_port() -> int:
    """A port of 127.0.0.1 on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
