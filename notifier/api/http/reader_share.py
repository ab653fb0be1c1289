"""Readers never shut producers out: only so many of everybody else's requests are in hand at once."""

from starlette.types import ASGIApp, Receive, Scope, Send

from notifier.api.http.problems import overloaded

_PRODUCERS = ("/v1/events", "/v1/inbound/")
_PROBES = frozenset({"/healthz", "/readyz"})
OTHERS_AT_ONCE = 200


def is_of_producer(path: str) -> bool:
    """Whether a request brings news: its connection is kept longest, and it is never refused for the sake of others."""
    return path.startswith(_PRODUCERS)


class Shares:
    """Sends readers away once too many of their requests wait. Producers have limits of their own (`gate.py`)."""

    def __init__(self, app: ASGIApp, most: int = OTHERS_AT_ONCE) -> None:
        """Guard `app`; `most` of the others' requests are in hand at once."""
        self._app, self._most, self._others = app, most, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or ask its sender to come again."""
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
