"""Guards in front of every request: bodies are bounded in size and time before anybody parses them."""

import asyncio
from collections.abc import Mapping, Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from notifier.api.http.problems import problem
from notifier.domain.errors import FieldError

BODY_SECONDS = 30.0
BODIES_BYTES = 64 * 1024 * 1024  # of all bodies that are not complete yet
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})


class _Gone(Exception):  # noqa: N818 - no fault of anybody
    """The caller hung up before the body was whole."""


class _TooLarge(Exception):  # noqa: N818 - becomes an answer, not an error
    """The body exceeds the limit."""


class BodyLimit:
    """Refuse a body over `limit` bytes with 413, whether its length was announced or not, and one that never ends."""

    def __init__(
        self,
        app: ASGIApp,
        limit: int,
        *,
        streaming: Sequence[str] = (),
        larger: Mapping[str, int] | None = None,
        seconds: float = BODY_SECONDS,
        together: int = BODIES_BYTES,
    ) -> None:
        """Guard `app`.

        Args:
            app: What to pass whole requests on to.
            limit: Most bytes of a body.
            streaming: Paths that take bodies of any length piece by piece.
            larger: Another limit for paths that begin so.
            seconds: How long a caller may take to send a body.
            together: Most bytes of all bodies under way; beyond it the one that takes the longest is not waited for.
        """
        self._app, self._limit, self._streaming = app, limit, tuple(streaming)
        self._larger, self._seconds = dict(larger or {}), seconds
        self._together, self._held = together, 0
        self._under_way: dict[asyncio.Timeout, None] = {}  # the longest first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on once its body is here and within the limit."""
        if scope["type"] != "http" or scope["method"] in _WITHOUT_BODY or scope["path"] in self._streaming:
            await self._app(scope, receive, send)
            return
        limit = self._limit_of(scope["path"])
        try:
            body = await self._whole(scope, receive, limit)
        except _Gone:
            return
        except _TooLarge:
            detail = f"The body is larger than the limit of {limit:,} bytes"
            answer = problem(413, detail, errors=[FieldError("body", detail)], headers={"Connection": "close"})
            await answer(scope, receive, send)
            return
        except TimeoutError:
            detail = f"The body was not complete within {self._seconds:g} seconds, or memory ran short"
            await problem(408, detail, headers={"Connection": "close"})(scope, receive, send)
            return
        await self._app(scope, _replayed(body, receive), send)

    async def _whole(self, scope: Scope, receive: Receive, limit: int) -> bytes:
        if _announced(scope) > limit:
            raise _TooLarge
        body = bytearray()
        patience = asyncio.timeout(self._seconds)
        try:
            async with patience:
                self._under_way[patience] = None
                while await self._take_piece(receive, body):
                    if len(body) > limit:
                        raise _TooLarge
        finally:
            self._under_way.pop(patience, None)
            self._held -= len(body)
        if len(body) > limit:
            raise _TooLarge
        return bytes(body)

    async def _take_piece(self, receive: Receive, body: bytearray) -> bool:
        """Add the next piece; whether there are more."""
        message = await receive()
        if message["type"] != "http.request":
            raise _Gone
        piece = message.get("body", b"")
        body += piece
        self._held += len(piece)
        if self._held > self._together and len(self._under_way) > 1:
            self._give_longest_up()
        return bool(message.get("more_body"))

    def _give_longest_up(self) -> None:
        longest = next(iter(self._under_way))
        del self._under_way[longest]
        longest.reschedule(asyncio.get_running_loop().time())

    def _limit_of(self, path: str) -> int:
        return next((limit for prefix, limit in self._larger.items() if path.startswith(prefix)), self._limit)


def _announced(scope: Scope) -> int:
    value = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    if not value.isdigit():
        raise _TooLarge
    return int(value)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Give the body as one piece, then whatever comes after it (the caller hanging up)."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
