"""One HTTP/1.1 connection: send a request, read the response up to the limits.

Built on asyncio protocols and llhttp's parser (`httptools`). General-purpose clients follow
redirects, decompress and resolve names, which a webhook must not, and cost several times as much
per request (docs/decisions/0006).
"""

import asyncio
from collections.abc import Callable
from typing import Final, cast

import httptools

from notifier.channels.webhook.delivery.limits import ResponseLimits
from notifier.channels.webhook.responses import WebhookResponse
from notifier.domain.errors import DeliveryError, OutcomeUnknownError, TransientDeliveryError
from notifier.domain.values import Reason

_FINAL: Final = 200  # below: informational, another response follows (RFC 9110 section 15.2)
_SWITCHING: Final = 101
_WRAPPING: Final = 8  # bytes on the wire per byte of body, at the smallest chunk size


class ConnectionLostError(OutcomeUnknownError):
    """The receiver closed before responding; on a reused connection, perhaps without reading."""


class HttpConnection(asyncio.Protocol):
    """A connection to one address; one exchange at a time, another only if `reusable`."""

    # The parser looks these up; a missing one would raise and catch an error on every connection.
    on_url = on_status = on_chunk_header = on_chunk_complete = None

    def __init__(self, limits: ResponseLimits, on_lost: "Callable[[HttpConnection], None]") -> None:
        self.address = ""
        self._limits, self._on_lost = limits, on_lost
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[WebhookResponse] | None = None
        self._body = bytearray()
        self._received = self._status = 0
        self._retry_after: str | None = None
        self._clean = True

    @property
    def reusable(self) -> bool:
        """Whether the last response was complete and both sides keep the connection open."""
        return self._clean and self._transport is not None and not self._transport.is_closing()

    @property
    def has_received(self) -> bool:
        """Whether any byte of the current response arrived."""
        return self._received > 0

    def exchange(self, request: bytes) -> asyncio.Future[WebhookResponse]:
        """Send one request; the future resolves to the response or to a delivery error."""
        waiter: asyncio.Future[WebhookResponse] = asyncio.get_running_loop().create_future()
        if self._transport is None or self._transport.is_closing():
            waiter.set_exception(_lost(None))
            return waiter
        self._waiter, self._clean = waiter, False
        self._body.clear()
        self._received = self._status = 0
        self._retry_after = None
        self._transport.write(request)
        return waiter

    def expire(self, what: str) -> None:
        """End the exchange: with the status if it arrived, otherwise with an unknown outcome."""
        if self._status:
            self._finish()
        else:
            self._fail(OutcomeUnknownError(Reason.TIMED_OUT, what))
        self.abort()

    def abort(self) -> None:
        """Close at once, without a clean shutdown."""
        self._clean = False
        if self._transport is not None:
            self._transport.abort()

    # --- asyncio calls these ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        if self._waiter is None:  # unsolicited data
            self.abort()
            return
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError:
            raise  # a bug of ours
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(TransientDeliveryError(Reason.SERVER_ERROR, "the answer is not HTTP/1.1"))
            self.abort()
            return
        self._check_size()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._status:
            self._finish()  # a body without a length ends here; a truncated one has its status
        elif self._received:
            self._fail(OutcomeUnknownError(Reason.OUTCOME_UNKNOWN, "the connection ended within the answer's head"))
        else:
            self._fail(_lost(exc))
        self._on_lost(self)

    # --- the parser calls these ---

    def on_message_begin(self) -> None:
        if self._waiter is None:
            self._clean = False  # a second response to one request

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(name) == len("retry-after") and name.lower() == b"retry-after":
            self._retry_after = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status == _SWITCHING:
            self._fail(TransientDeliveryError(Reason.SERVER_ERROR, "HTTP 101: nobody asked for another protocol"))
        elif status >= _FINAL:
            self._status = status
        else:
            self._retry_after = None

    def on_body(self, body: bytes) -> None:
        if self._waiter is None:
            return
        room = self._limits.body - len(self._body)
        self._body += body[:room]
        if len(body) > room:
            self._finish()
            self.abort()

    def on_message_complete(self) -> None:
        if self._status and self._waiter is not None:
            self._clean = self._parser.should_keep_alive()
            self._finish()

    # ---

    def _check_size(self) -> None:
        if self._waiter is None or self._received <= self._limits.head:
            return
        if not self._status:
            self._fail(TransientDeliveryError(Reason.SERVER_ERROR, "the head of the answer is too long"))
            self.abort()
        elif self._received > self._limits.head + _WRAPPING * self._limits.body:  # chunk extensions, trailers
            self._finish()
            self.abort()

    def _finish(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(
                WebhookResponse(status=self._status, body=bytes(self._body), retry_after=self._retry_after)
            )
        self._waiter = None

    def _fail(self, error: DeliveryError) -> None:
        self._clean = False
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)
        self._waiter = None


def _lost(cause: Exception | None) -> ConnectionLostError:
    detail = "the connection ended before an answer"
    return ConnectionLostError(Reason.OUTCOME_UNKNOWN, f"{detail}: {cause}" if cause is not None else detail)
