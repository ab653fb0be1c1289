"""Limit request bodies in size and time before anything parses them."""

import asyncio
from collections.abc import Mapping, Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from notifier.api.http.problems import problem
from notifier.domain.errors import FieldError

BODY_SECONDS = 30.0
BODIES_BYTES = 64 * 1024 * 1024  # of all incomplete bodies
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})


class _Gone(Exception):  # noqa: N818 - no fault of anybody
    """The client disconnected before the body was complete."""


class _TooLarge(Exception):  # noqa: N818 - becomes an answer, not an error
    """The body exceeds the limit."""


class BodyLimit:
    """Refuse bodies over `limit` bytes with 413, announced or not, and slow bodies with 408."""

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
        """Wrap `app`.

        Args:
            app: Receives complete requests.
            limit: Maximum size of a body in bytes.
            streaming: Paths that take bodies of any length, piece by piece.
            larger: Path prefix -> a different limit.
            seconds: Time in which a client must send its body.
            together: Maximum bytes of all incomplete bodies; beyond it, the one in progress longest
                is dropped.
        """
        self._app, self._limit, self._streaming = app, limit, tuple(streaming)
        self._larger, self._seconds = dict(larger or {}), seconds
        self._together, self._held = together, 0
        self._under_way: dict[asyncio.Timeout, None] = {}  # oldest first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on once its body is complete and within the limit."""
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
        """Append the next piece. Returns whether there are more."""
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
    """Return the body as one piece, then whatever follows (such as a disconnect)."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
