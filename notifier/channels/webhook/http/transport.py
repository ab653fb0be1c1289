"""Dial a vetted address, send the request, read the response, within the time of each stage."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Mapping, Sequence
from typing import Protocol

import aiohappyeyeballs

from notifier.channels.base import NotAttemptedError
from notifier.channels.webhook.delivery.limits import EngineLimits
from notifier.channels.webhook.egress.url_policy import VettedUrl
from notifier.channels.webhook.http.connection import ConnectionLostError, HttpConnection
from notifier.channels.webhook.http.pool import IdlePool
from notifier.channels.webhook.responses import WebhookResponse
from notifier.domain.errors import DeliveryError, FieldError, InvalidInputError, TransientDeliveryError
from notifier.domain.values import Reason

_STAGGER = 0.25  # seconds before also trying the next address (RFC 8305 section 5)
# Local problems, not the receiver's: too many open files, no memory, no free port.
_LOCAL_TROUBLE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})


class Transport(Protocol):
    """The engine's HTTP client. Must not resolve names, follow redirects or decompress."""

    async def post(
        self, url: VettedUrl, addresses: Sequence[str], headers: Mapping[str, str], body: bytes, *, budget: float
    ) -> WebhookResponse:
        """POST to one of the addresses and return the response, read up to the limits.

        Args:
            url: Gives Host, SNI and the request line.
            addresses: Vetted; no other may be dialled.
            headers: All but Host and Content-Length.
            body: The signed bytes.
            budget: Seconds left for the attempt.

        Raises:
            DeliveryError: transient before the request is sent, unknown outcome after.
        """
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


class HttpTransport:
    """The default client, for one event loop. Reuses connections by origin and address."""

    def __init__(self, limits: EngineLimits, ssl_context: ssl.SSLContext) -> None:
        self._limits, self._ssl = limits, ssl_context
        self._loop = asyncio.get_running_loop()
        self._pool = IdlePool(limit=limits.idle_sockets, seconds=limits.idle_seconds, clock=self._loop.time)
        self._open: set[HttpConnection] = set()
        self._sweeper = self._loop.call_later(limits.sweep_seconds, self._sweep)

    async def post(
        self, url: VettedUrl, addresses: Sequence[str], headers: Mapping[str, str], body: bytes, *, budget: float
    ) -> WebhookResponse:
        request = _head(url, headers, len(body)) + body
        deadline = self._loop.time() + budget
        key = (url.scheme, url.host, url.port)
        connection = self._pool.take(key, addresses)
        if connection is not None:
            try:
                return await self._exchange(connection, request, deadline, key)
            except ConnectionLostError:
                # The receiver closed the idle connection while the request was in flight. Retry on
                # a new one; a receiver that did read the request recognises the id (RFC 9110
                # section 9.2.2).
                pass
        connection = await self._dial(url, addresses, deadline)
        return await self._exchange(connection, request, deadline, key)

    async def close(self) -> None:
        self._sweeper.cancel()
        self._pool.close()
        for connection in tuple(self._open):
            connection.abort()

    async def _exchange(
        self, connection: HttpConnection, request: bytes, deadline: float, key: tuple[str, str, int]
    ) -> WebhookResponse:
        answer = connection.exchange(request)
        first_byte = self._loop.time() + self._limits.timeouts.first_byte
        timer = self._loop.call_at(min(first_byte, deadline), self._overdue, connection, answer, deadline)
        try:
            return await answer
        finally:
            timer.cancel()
            self._pool.give(key, connection)

    def _overdue(self, connection: HttpConnection, answer: "asyncio.Future[WebhookResponse]", deadline: float) -> None:
        if answer.done():
            return
        if connection.has_received and self._loop.time() < deadline:
            self._loop.call_at(deadline, self._overdue, connection, answer, deadline)
            return
        times = self._limits.timeouts
        limit = times.first_byte if self._loop.time() < deadline else times.total
        connection.expire(f"no answer within {limit:g} s")

    async def _dial(self, url: VettedUrl, addresses: Sequence[str], deadline: float) -> HttpConnection:
        times = self._limits.timeouts
        try:
            async with asyncio.timeout_at(min(self._loop.time() + times.connect, deadline)):
                # The work before this is mostly user time, the work after it mostly kernel time.
                # Let all requests of this loop iteration finish the first before any starts the
                # second: alternating thrashes the CPU caches and takes up to five times as long
                # (docs/decisions/0014-one-kind-of-work-at-a-time.md).
                await asyncio.sleep(0)
                return await self._connect(url, addresses)
        except TimeoutError:
            raise TransientDeliveryError(Reason.TIMED_OUT, f"no connection within {times.connect:g} s") from None
        except ssl.SSLError as error:
            raise TransientDeliveryError(Reason.UNREACHABLE, f"TLS: {_tls_text(error)}") from None
        except OSError as error:
            raise self._dial_error(error) from None

    async def _connect(self, url: VettedUrl, addresses: Sequence[str]) -> HttpConnection:
        context, name = (self._ssl, url.host) if url.scheme == "https" else (None, None)
        address = addresses[0]
        if len(addresses) == 1:
            # A literal address, which neither asyncio nor uvloop resolves.
            _, connection = await self._loop.create_connection(
                self._new_connection, address, url.port, ssl=context, server_hostname=name
            )
        else:
            sock = await aiohappyeyeballs.start_connection(
                [_address_info(each, url.port) for each in addresses], happy_eyeballs_delay=_STAGGER, interleave=1
            )
            address = str(sock.getpeername()[0])
            _, connection = await self._loop.create_connection(
                self._new_connection, sock=sock, ssl=context, server_hostname=name
            )
        connection.address = address
        if connection.reusable:
            self._open.add(connection)
        return connection

    def _new_connection(self) -> HttpConnection:
        return HttpConnection(self._limits.answer, self._lost)

    def _lost(self, connection: HttpConnection) -> None:
        self._open.discard(connection)
        self._pool.forget(connection)

    def _dial_error(self, error: OSError) -> DeliveryError:
        if error.errno in _LOCAL_TROUBLE:
            self._pool.close_oldest()
            return NotAttemptedError(Reason.NOT_STARTED, f"no socket to be had here: {error.strerror}")
        return TransientDeliveryError(Reason.UNREACHABLE, f"connection failed: {error.strerror or error}")

    def _sweep(self) -> None:
        self._pool.sweep()
        self._sweeper = self._loop.call_later(self._limits.sweep_seconds, self._sweep)


def _head(url: VettedUrl, headers: Mapping[str, str], length: int) -> bytes:
    lines = [f"POST {url.target} HTTP/1.1", f"Host: {url.authority}", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    text = "\r\n".join(lines) + "\r\n\r\n"
    if text.count("\n") != len(lines) + 1 or text.count("\r") != len(lines) + 1:
        raise InvalidInputError([FieldError("headers", "a line break would begin a header of its own")])
    return text.encode("latin-1")


def _address_info(address: str, port: int) -> tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]:
    if ":" in address:
        return socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port, 0, 0)
    return socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port)


def _tls_text(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return (error.reason or "handshake failed").replace("_", " ").lower()
