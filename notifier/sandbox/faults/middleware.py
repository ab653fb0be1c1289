"""ASGI middleware that injects faults, closing real connections if required."""

from collections.abc import Callable, Mapping

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from notifier.sandbox.answers import REDIRECT, html_page
from notifier.sandbox.faults.rules import Fault, FaultBook, provider_of
from notifier.sandbox.live import Live
from notifier.sandbox.transport import transport_of

Refusal = Callable[[int, Mapping[str, str] | None], Response]


class FaultLayer:
    """Passes requests on, unless a fault hits them.

    Args:
        app: The wrapped application.
        live: The clock and the stop signal.
        book: The active faults.
        refusals: For each provider, a function from status to its own error response.
    """

    def __init__(self, app: ASGIApp, *, live: Live, book: FaultBook, refusals: Mapping[str, Refusal]) -> None:
        self._app, self._live, self._book, self._refusals = app, live, book, refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        provider = provider_of(scope["path"]) if scope["type"] == "http" else None
        faults = self._book.concerns(provider) if provider and self._book.faults else []
        if provider is None or not faults:
            await self._app(scope, receive, send)
            return
        early = self._book.strike(
            [one for one in faults if one.kind == "reset_early"], scope["method"], scope["path"], b""
        )
        if early is not None:
            transport_of(scope).abort()
            await _gone(receive)
            return
        body = await _read(receive)
        rest = [fault for fault in faults if fault.kind != "reset_early"]
        fault = self._book.strike(rest, scope["method"], scope["path"], body)
        exchange = _Exchange(scope, receive, send, body)
        if fault is None:
            await self._app(scope, exchange.replay, send)
        else:
            await self._fail(fault, provider, exchange)

    async def _fail(self, fault: Fault, provider: str, exchange: "_Exchange") -> None:
        accepted = exchange.recorder()
        if fault.after_accept or fault.kind in ("drop_after_accept", "truncate"):
            await self._app(exchange.scope, exchange.replay, accepted.keep)
        if fault.delay:
            await self._live.pause(fault.delay)
        if fault.kind == "delay":
            if accepted.messages:
                await accepted.resend(exchange.send)
            else:
                await self._app(exchange.scope, exchange.replay, exchange.send)
        elif fault.kind in ("drop_before", "drop_after_accept"):
            await exchange.drop()
        elif fault.kind == "truncate":
            await exchange.truncate(accepted)
        else:
            await self._answer(fault, provider)(exchange.scope, exchange.replay, exchange.send)

    def _answer(self, fault: Fault, provider: str) -> Response:
        if fault.kind == "html_error":
            page = fault.body.encode() if fault.body is not None else html_page(fault.status)
            return Response(page, fault.status, headers=dict(fault.headers), media_type="text/html")
        if fault.kind == "redirect":
            status = fault.status if fault.status in REDIRECT else 302
            return Response(b"", status, headers={"location": "/", **fault.headers})
        if fault.body is not None:
            return Response(
                fault.body.encode(), fault.status, headers=dict(fault.headers), media_type="application/json"
            )
        return self._refusals[provider](fault.status, fault.headers)


class _Recorder:
    """Records a response instead of sending it."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def keep(self, message: Message) -> None:
        self.messages.append(message)

    async def resend(self, send: Send) -> None:
        for message in self.messages:
            await send(message)


class _Exchange:
    """One request, with its body already read, and its connection."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        self.scope, self.send = scope, send
        self._receive, self._body, self._replayed = receive, body, False

    def recorder(self) -> _Recorder:
        return _Recorder()

    async def replay(self) -> Message:
        """Return the body again, then the messages of the connection."""
        if self._replayed:
            return await self._receive()
        self._replayed = True
        return {"type": "http.request", "body": self._body, "more_body": False}

    async def drop(self) -> None:
        """Close the connection without sending a byte."""
        transport_of(self.scope).close()
        await _gone(self._receive)

    async def truncate(self, accepted: _Recorder) -> None:
        """Announce a body, send half of it, and close."""
        start = accepted.messages[0]
        body = b"".join(message.get("body", b"") for message in accepted.messages[1:])
        headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
        announced = max(len(body), 2)
        await self.send({**start, "headers": [*headers, (b"content-length", str(announced).encode())]})
        await self.send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        transport_of(self.scope).close()
        await _gone(self._receive)


async def _read(receive: Receive) -> bytes:
    parts: list[bytes] = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def _gone(receive: Receive) -> None:
    """Wait until the server has noticed the closed connection, so that it sends no response."""
    while (await receive())["type"] != "http.disconnect":
        pass
