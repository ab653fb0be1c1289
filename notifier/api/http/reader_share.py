"""Limit concurrent requests of readers, so that they never shut out producers."""

from starlette.types import ASGIApp, Receive, Scope, Send

from notifier.api.http.problems import overloaded

_PRODUCERS = ("/v1/events", "/v1/inbound/")
_PROBES = frozenset({"/healthz", "/readyz"})
OTHERS_AT_ONCE = 200


def is_of_producer(path: str) -> bool:
    """Return whether a request brings events: it is never refused in favour of others."""
    return path.startswith(_PRODUCERS)


class Shares:
    """Refuse readers while too many of their requests run; producers have their own limits."""

    def __init__(self, app: ASGIApp, most: int = OTHERS_AT_ONCE) -> None:
        """Wrap `app`; at most `most` requests of readers run at once."""
        self._app, self._most, self._others = app, most, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 503."""
        if scope["type"] != "http" or scope["path"] in _PROBES or is_of_producer(scope["path"]):
            await self._app(scope, receive, send)
            return
        if self._others >= self._most:
            await overloaded()(scope, receive, send)
            return
        self._others += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._others -= 1
