"""HTTP keep-alive connections with deadlines that report how far a failed request got.

That decides whether a mail may be sent again: a request that failed while connecting or writing was
not accepted; one that failed while waiting for the response may have been.
"""

import http.client
import select
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast
from urllib.parse import urlsplit

import certifi

from notifier.channels.deadline_socket import timed_response
from notifier.channels.status_mapping import (
    LARGEST_ANSWER,
    NoAnswerError,
    NotSentError,
    ProviderResponse,
    header_number,
)

MAX_IDLE = 20.0  # seconds; well below the limits of servers and NAT, so that reused connections are alive
_TRIES = 2  # after a reset while writing, retry once on a new connection: the request was incomplete
_EARLY_ANSWER = 2.0  # seconds to wait for a response sent before we finished writing, such as 413


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request. `path` includes the query; `body` None means no body."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)


class ConnectionPool:
    """Connections to one origin. Thread-safe: a connection serves one request at a time.

    Follows no redirects and ignores proxy settings of the environment. Opens nothing before the
    first request.
    """

    def __init__(self, base_url: str, *, connect_timeout: float, tls_context: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(base_url)
        self._host, self._port = parts.hostname or "", parts.port
        self._tls, self._context = parts.scheme == "https", tls_context
        self._connect_timeout = connect_timeout
        self._idle: deque[tuple[float, _Connection]] = deque()
        self._lock = threading.Lock()

    def send(self, request: Request, *, seconds: float) -> ProviderResponse:
        """Send one request; `seconds` covers everything from connecting to the last byte received.

        Raises:
            NotSentError: the request was not fully written; `reset` if the peer reset it twice.
            NoAnswerError: the request was written, but no complete response arrived.
        """
        deadline = time.monotonic() + seconds
        for attempt in range(1, _TRIES + 1):
            connection = self._take() or self._open(deadline)
            try:
                answer = connection.exchange(request, deadline)
            except NotSentError as error:
                connection.close()
                if attempt == _TRIES or not error.reset:
                    raise
                continue
            except BaseException:
                connection.close()
                raise
            self._give_back(connection)
            return answer
        raise AssertionError  # the loop returns or raises

    def close(self) -> None:
        """Close idle connections; connections in use are closed when they are returned."""
        with self._lock:
            while self._idle:
                self._idle.pop()[1].close()

    def _take(self) -> "_Connection | None":
        oldest = time.monotonic() - MAX_IDLE
        while True:
            with self._lock:
                if not self._idle:
                    return None
                since, connection = self._idle.pop()
            if since > oldest and connection.is_quiet():
                return connection
            connection.close()

    def _open(self, deadline: float) -> "_Connection":
        seconds = min(self._connect_timeout, deadline - time.monotonic())
        if seconds <= 0:
            raise NotSentError("no time left to connect")
        if self._tls and self._context is None:
            self._context = verifying_context()
        connection = _Connection(self._host, self._port, self._context if self._tls else None, seconds)
        try:
            connection.connect()
        except OSError as error:
            connection.close()
            silent = isinstance(error, TimeoutError)
            raise NotSentError(f"cannot connect: {_named(error)}", timed_out=silent) from None
        return connection

    def _give_back(self, connection: "_Connection") -> None:
        if connection.is_open:
            with self._lock:
                self._idle.append((time.monotonic(), connection))


class _Connection:
    """One connection; idle or closed after each exchange."""

    def __init__(self, host: str, port: int | None, context: ssl.SSLContext | None, seconds: float) -> None:
        self._http: http.client.HTTPConnection
        if context is None:
            self._http = http.client.HTTPConnection(host, port, timeout=seconds)
        else:
            self._http = http.client.HTTPSConnection(host, port, timeout=seconds, context=context)

    @property
    def is_open(self) -> bool:
        """Whether another request can follow."""
        return self._http.sock is not None

    def connect(self) -> None:
        """Connect, including the TLS handshake."""
        self._http.connect()

    def close(self) -> None:
        """Close it; never raises."""
        with suppress(OSError):
            self._http.close()

    def is_quiet(self) -> bool:
        """Whether the peer has neither closed it nor sent unsolicited data."""
        sock: socket.socket | None = self._http.sock
        return sock is not None and not select.select([sock], [], [], 0)[0]

    def exchange(self, request: Request, deadline: float) -> ProviderResponse:
        """Write a request and read the response."""
        try:
            self._http.sock.settimeout(max(deadline - time.monotonic(), 0.001))
            self._http.request(request.method, request.path, body=request.body, headers=dict(request.headers))
        except TimeoutError:
            raise NotSentError("time-out while writing", timed_out=True) from None
        except OSError as error:
            return self._early_answer(request.path, error, deadline)
        return self._read(request.path, deadline)

    def _early_answer(self, path: str, error: OSError, deadline: float) -> ProviderResponse:
        """Return the error response of a server that stopped reading (413), else raise."""
        try:
            answer = self._read(path, min(deadline, time.monotonic() + _EARLY_ANSWER))
        except NoAnswerError:
            raise NotSentError(f"cut off while writing: {_named(error)}", reset=True) from None
        if answer.ok:  # a 2xx for half a request means nothing
            raise NotSentError(f"cut off while writing: {_named(error)}", reset=True)
        self.close()
        return answer

    def _read(self, path: str, deadline: float) -> ProviderResponse:
        status: int | None = None
        self._http.response_class = cast("Any", partial(timed_response, until=deadline))
        try:
            response = self._http.getresponse()
            status = response.status
            body = response.read(LARGEST_ANSWER + 1)
            headers = {name.lower(): value for name, value in response.getheaders()}
            if len(body) > LARGEST_ANSWER:
                self.close()
            elif len(body) < (header_number(headers.get("content-length")) or 0):
                raise http.client.IncompleteRead(body)  # read() with a limit does not notice
        except TimeoutError:
            raise NoAnswerError("time-out while waiting for the answer", timed_out=True, status=status) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NoAnswerError(f"no whole answer: {_named(error)}", status=status) from None
        return ProviderResponse(status, headers, body, path)


def verifying_context() -> ssl.SSLContext:
    """Return a verifying TLS context with the system's CAs, if any, and Mozilla's."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # Debian's Python leaves it to the system
    context.load_verify_locations(certifi.where())
    return context


def _named(error: Exception) -> str:
    """Return an error's type and errno without its message, which may quote the request."""
    number = getattr(error, "errno", None)
    return f"{type(error).__name__}{f' {number}' if isinstance(number, int) else ''}"
