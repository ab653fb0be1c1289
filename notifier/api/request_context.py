"""Middleware around every request: request id, log line, headers, metrics."""

import re
import secrets
import time
from collections.abc import Iterable
from typing import Any

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from notifier.api.http.problems import problem, route_of
from notifier.api.http.security_headers import SECURITY_HEADERS, STRICT_TRANSPORT
from notifier.api.state.metrics import RequestMetrics
from notifier.observability import get_logger

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_HEADER = b"x-request-id"
_FAULTS, _OURS = 400, 500
_log = get_logger("notifier.api.access")


class RequestContextMiddleware:
    """Plain ASGI: no extra task, no copy of the body. Never logs queries: they may hold `?key=`."""

    def __init__(self, app: ASGIApp, *, is_encrypted: bool = False) -> None:
        """Wrap `app`; `is_encrypted`: the public address is https."""
        self._app = app
        defaults = {**SECURITY_HEADERS, **(STRICT_TRANSPORT if is_encrypted else {})}
        self._default_headers = [(name.lower().encode(), value.encode()) for name, value in defaults.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, then log and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        structlog.contextvars.bind_contextvars(request_id=request_id.decode())
        started, status = time.perf_counter(), _OURS

        async def outgoing(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = self._completed(message["headers"], request_id)
            await send(message)

        request_metrics: RequestMetrics = scope["app"].state.runtime.request_metrics
        request_metrics.in_flight.inc()
        try:
            app: ASGIApp = _no_such_path if _has_nul(scope) else self._app
            await app(scope, receive, outgoing)
        finally:
            request_metrics.in_flight.dec()
            seconds = time.perf_counter() - started
            request_metrics.request(scope["method"], route_of(scope), status, seconds)
            _log_request(scope, status, seconds)
            structlog.contextvars.clear_contextvars()

    def _completed(self, headers: Iterable[tuple[bytes, bytes]], request_id: bytes) -> list[tuple[bytes, bytes]]:
        """Add headers that the answer lacks; Starlette writes names in lower case."""
        present = list(headers)
        names = {name for name, _ in present}
        return [
            *present,
            *(header for header in self._default_headers if header[0] not in names),
            (_HEADER, request_id),
        ]


def _request_id(scope: Scope) -> bytes:
    """Return the caller's own id, so that both logs share it; otherwise a new one."""
    for name, value in scope["headers"]:
        if name == _HEADER and _REQUEST_ID.fullmatch(value):
            return bytes(value)
    return secrets.token_hex(8).encode()


def _has_nul(scope: Scope) -> bool:
    """Return whether the path holds a NUL: no valid name does, and PostgreSQL rejects it."""
    return "\x00" in scope["path"] or b"%00" in scope["query_string"]


async def _no_such_path(scope: Scope, receive: Receive, send: Send) -> None:
    await problem(404, "No such path")(scope, receive, send)


def _log_request(scope: Scope, status: int, seconds: float) -> None:
    facts: dict[str, Any] = {
        "method": scope["method"],
        "route": route_of(scope),
        "status": status,
        "ms": round(seconds * 1000, 1),
    }
    if status >= _OURS:
        _log.warning("request_served", **facts)
    elif status >= _FAULTS:
        _log.info("request_served", **facts)
    else:
        _log.debug("request_served", **facts)
