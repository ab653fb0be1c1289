"""uvicorn's HTTP protocol, plus limits for request heads and a table of connections to close."""

import asyncio
from typing import Any, ClassVar

import httptools
from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from notifier.api.http.connections import ConnectionTable
from notifier.api.http.problems import RETRY_SECONDS, problem
from notifier.api.http.reader_share import is_of_producer

HEAD_BYTES = 16 * 1024  # limit for everything but the body: head, trailers, chunk framing
TARGET_BYTES = 8 * 1024
HEADERS = 100
_PIPELINED = 16
_LOOK_SECONDS = 1.0
_LINGER_SECONDS = 2.0  # closing while the client still sends would discard our answer


class _RefusedError(Exception):
    """Stops the parser; the answer is being sent."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection. `on_table` makes the class that a server uses."""

    table: ClassVar[ConnectionTable]

    def __init__(self, *args: Any, **arguments: Any) -> None:
        super().__init__(*args, **arguments)
        self.address = ""
        self.quiet_since: float | None = None
        self.busy_since = 0.0
        self.head_since: float | None = None
        self.is_answered = self.is_producer = False
        self._is_refused = False
        self._progress = 0  # heads and pieces of bodies parsed
        self._loose = 0  # bytes received since the last of them
        self._feeding = 0

    # --- callbacks of asyncio ---

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Register the connection, or refuse it if there is no room."""
        super().connection_made(transport)
        self.address = self.client[0] if self.client else ""
        if not self.table.is_watched:
            self.table.is_watched = True
            self.loop.call_later(_LOOK_SECONDS, _look, self.loop, self.table)
        if not self.table.admit(self):
            self._refuse(503, "Too many connections are busy. Nothing was processed; try again.")

    def connection_lost(self, exc: Exception | None) -> None:
        """Unregister the connection."""
        self.table.gone(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse the data in pieces small enough to notice a head that is too large."""
        self._unset_keepalive_if_required()
        if len(data) <= HEAD_BYTES or self.is_sending_body:
            self._feed(data)
        else:
            for start in range(0, len(data), HEAD_BYTES):
                self._feed(data[start : start + HEAD_BYTES])
        if self.head_since is None and self.quiet_since is not None:
            self.head_since = self.table.clock()

    def _feed(self, data: bytes) -> None:
        if self._is_refused:
            return
        before, self._feeding = self._progress, len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # no upgrades here; the request itself is answered
        except httptools.HttpParserError:
            self._refuse(400, "Not an HTTP/1.1 request")
            return
        if self._progress != before:
            self._loose = 0
        elif self._loose + len(data) > HEAD_BYTES:
            self._refuse_head()
        else:
            self._loose += len(data)

    # --- callbacks of the parser ---

    def on_headers_complete(self) -> None:
        """Start answering if the head is within its limits."""
        self._progress += 1
        if len(self.url) > TARGET_BYTES or len(self.headers) > HEADERS or self._is_head_too_large():
            self._refuse_head()
            raise _RefusedError
        if len(self.pipeline) >= _PIPELINED:
            self._refuse(503, f"More than {_PIPELINED} requests at once on one connection")
            raise _RefusedError
        self.table.busy(self)
        super().on_headers_complete()
        self.is_producer = is_of_producer(self.scope["path"])
        self.headers = []  # trailers, which follow the body, are not for the application

    def on_body(self, body: bytes) -> None:
        """Pass a piece of the body on."""
        self._progress += 1
        super().on_body(body)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        if self.cycle.response_complete:  # otherwise the next request has already arrived
            self.is_answered = True
            self.table.quiet(self)

    def _is_head_too_large(self) -> bool:
        if self._loose + self._feeding <= HEAD_BYTES:  # nearly always; may include body bytes
            return False
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > HEAD_BYTES

    # --- interface of the connection table ---

    @property
    def is_sending_body(self) -> bool:
        """Return whether a request's head is complete and its body is not."""
        return self.quiet_since is None and self._is_body_under_way()

    def unsent(self) -> int:
        """Return how many bytes of the answer the client has not read."""
        return self.transport.get_write_buffer_size()

    def end(self) -> None:
        """Close the connection, leaving time for an answer to be read."""
        self.transport.close()

    def abort(self) -> None:
        """Drop the connection and all unsent data."""
        self.transport.abort()

    def time_out(self) -> None:
        """Close a connection whose head is late."""
        if self.head_since is None or self._is_body_under_way() or self._is_refused:
            self.transport.abort()
        else:
            self._refuse(408, f"The request header was not complete within {self.table.limits.head:g} seconds")

    def _refuse_head(self) -> None:
        if len(self.url) > TARGET_BYTES:
            self._refuse(414, f"The request target is longer than the limit of {TARGET_BYTES:,} bytes")
        else:
            detail = f"The limit is {HEADERS} headers and {HEAD_BYTES:,} bytes, including trailers and framing"
            self._refuse(431, detail)

    def _refuse(self, status: int, detail: str) -> None:
        """Answer in place of the application and close once the answer had time to be read."""
        if self._is_refused:
            return
        self._is_refused = True
        self.table.count(f"refused_{status}")
        if self.transport.is_closing() or not self._silence_application():
            self.transport.abort()
            return
        headers = {"Retry-After": str(RETRY_SECONDS)} if status == 503 else {}  # noqa: PLR2004
        self.transport.write(_raw(problem(status, detail, headers={"Connection": "close", **headers})))
        self.transport.write_eof()
        self.loop.call_later(_LINGER_SECONDS, self.transport.abort)

    def _silence_application(self) -> bool:
        """Prevent an answer by the application. Returns False if one is already being sent."""
        cycle = self._latest()
        if cycle is None or cycle.response_complete:
            return True
        if self.pipeline or cycle.response_started:
            return False
        cycle.disconnected = True
        cycle.message_event.set()
        return True

    def _latest(self) -> RequestResponseCycle | None:
        return self.cycle  # None before the first complete head, despite uvicorn's annotation

    def _is_body_under_way(self) -> bool:
        cycle = self._latest()
        return cycle is not None and cycle.more_body


def _raw(answer: Response) -> bytes:
    lines = b"".join(b"%b: %b\r\n" % header for header in answer.raw_headers)
    return b"%b%b\r\n%b" % (STATUS_LINE[answer.status_code], lines, bytes(answer.body))


def _look(loop: asyncio.AbstractEventLoop, table: ConnectionTable) -> None:
    table.look()
    table.is_watched = len(table) > 0
    if table.is_watched:
        loop.call_later(_LOOK_SECONDS, _look, loop, table)


def on_table(table: ConnectionTable) -> type[BoundedProtocol]:
    """Return the protocol of a server whose connections share a table."""

    class OnTable(BoundedProtocol):
        pass

    OnTable.table = table
    return OnTable
