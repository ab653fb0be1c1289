"""Receivers of webhooks on real sockets: well-behaved ones and every kind of trouble."""

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from notifier.channels.webhook import EngineLimits, TargetPolicy, Timeouts, WebhookEngine, parse_networks
from notifier.channels.webhook_keys import new_secret
from notifier.domain.messages.message import HookRequest

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
OPEN = TargetPolicy(allow_networks=parse_networks(["127.0.0.0/8"]))
SECRET = new_secret()
BODY = b'{"type":"incident.created","data":{"sequence":1}}'


@dataclass(frozen=True)
class Received:
    """One request as it stood on the wire."""

    line: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    at: float  # monotonic seconds
    connection: int


class Line:
    """One connection, seen from the receiver."""

    def __init__(self, sock: socket.socket, number: int, closing: threading.Event) -> None:
        self.sock, self.number, self.closing = sock, number, closing
        self._buffer = b""

    def read_request(self) -> Received | None:
        """Return the next request, None when the sender hung up."""
        while b"\r\n\r\n" not in self._buffer:
            if not self._fill():
                return None
        head, _, rest = self._buffer.partition(b"\r\n\r\n")
        line, *fields = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
        self._buffer = rest
        while len(self._buffer) < int(headers["content-length"]):
            if not self._fill():
                return None
        size = int(headers["content-length"])
        body, self._buffer = self._buffer[:size], self._buffer[size:]
        return Received(line, headers, body, time.monotonic(), self.number)

    def drip(self, data: bytes, pause: float) -> None:
        """Send one byte at a time until the sender gives up."""
        for byte in data:
            if self.closing.wait(pause):
                return
            self.sock.sendall(bytes([byte]))

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def hang(self) -> None:
        """Say nothing until the sender hangs up."""
        self._fill()

    def _fill(self) -> bool:
        data = self.sock.recv(65536)
        self._buffer += data
        return bool(data)


Behaviour = Callable[[Line, Received], bool]  # answers one request; True when the connection goes on


def answering(answer: bytes = OK) -> Behaviour:
    """Answer every request with these bytes and keep the connection."""

    def behave(line: Line, _request: Received) -> bool:
        line.sock.sendall(answer)
        return True

    return behave


class Receiver:
    """A server on 127.0.0.1 with one thread per connection; `requests` holds what came, in order of arrival."""

    def __init__(self, behave: Behaviour, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self._behave, self._tls = behave, tls
        self._server = socket.create_server((host, 0), backlog=128)
        self.host, self.port = host, int(self._server.getsockname()[1])
        self.requests: list[Received] = []
        self.connections = 0
        self._closing = threading.Event()
        self._open: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def url(self, path: str = "/hook", *, scheme: str = "http", host: str | None = None) -> str:
        """Where it is to be reached."""
        return f"{scheme}://{host or self.host}:{self.port}{path}"

    def is_quiet(self) -> bool:
        """Whether no connection is open."""
        return not self._open

    def close(self) -> None:
        """End all connections and threads."""
        self._closing.set()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for sock in tuple(self._open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in tuple(self._threads):
            thread.join(10)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                sock, _ = self._server.accept()
                self.connections += 1
                thread = threading.Thread(target=self._serve, args=(sock, self.connections))
                self._threads.append(thread)
                thread.start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        sock.settimeout(30)
        self._open.add(sock)
        with contextlib.suppress(OSError):  # the sender hung up, which many tests want
            plain = sock
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True)
                self._open.add(sock)
                self._open.discard(plain)
            line = Line(sock, number, self._closing)
            going_on = True
            while going_on and (request := line.read_request()) is not None:
                self.requests.append(request)
                going_on = self._behave(line, request)
        sock.close()
        self._open.discard(sock)


class Gate:
    """A receiver that answers when it is told to."""

    def __init__(self) -> None:
        self.open = threading.Event()

    def __call__(self, line: Line, _request: Received) -> bool:
        while not self.open.wait(0.01):
            if line.closing.is_set():
                return False
        line.sock.sendall(OK)
        return True


@contextlib.contextmanager
def receiving(behave: Behaviour | None = None, **options: Any) -> Iterator[Receiver]:
    """Run a receiver for the length of a test."""
    receiver = Receiver(behave or answering(), **options)
    try:
        yield receiver
    finally:
        receiver.close()


@contextlib.contextmanager
def running(limits: EngineLimits | None = None, **options: Any) -> Iterator[WebhookEngine]:
    """Run an engine that may reach the loopback network, with short times."""
    engine = WebhookEngine(**{"policy": OPEN, "limits": limits or quick_limits(), **options})
    try:
        yield engine
    finally:
        engine.close()


def quick_limits(**changes: Any) -> EngineLimits:
    """Limits whose times a test can wait for."""
    times = Timeouts(dns=0.3, connect=0.5, first_byte=0.5, total=0.8)
    return EngineLimits(**{"timeouts": times, **changes})


def a_request(url: str, number: int = 1, **changes: Any) -> HookRequest:
    """A webhook to endpoint `number`."""
    values = {"delivery_id": f"dlv_{number}", "endpoint_id": number, "url": url, "body": BODY, "secrets": [SECRET]}
    return HookRequest(**{**values, **changes})


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    """Poll until something holds; fail when it does not in time."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)
