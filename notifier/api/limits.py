"""Guards in front of every request: bodies are bounded in size and time before anybody parses them."""

import asyncio
from collections.abc import Mapping, Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from notifier.api.problems import problem
from notifier.domain.errors import FieldError

BODY_SECONDS = 30.0
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
    ) -> None:
        """Guard `app`.

        Args:
            app: What to pass whole requests on to.
            limit: Most bytes of a body.
            streaming: Paths that take bodies of any length piece by piece.
            larger: Another limit for paths that begin so.
            seconds: How long a caller may take to send a body.
        """
        self._app, self._limit, self._streaming = app, limit, tuple(streaming)
        self._larger, self._seconds = dict(larger or {}), seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on once its body is here and within the limit."""
        if scope["type"] != "http" or scope["method"] in _WITHOUT_BODY or scope["path"] in self._streaming:
            await self._app(scope, receive, send)
            return
        limit = self._limit_of(scope["path"])
        try:
            async with asyncio.timeout(self._seconds):
                body = await _whole(scope, receive, limit)
        except _Gone:
            return
        except _TooLarge:
            detail = f"The body is larger than the {limit:,} bytes taken here"
            answer = problem(413, detail, errors=[FieldError("body", detail)], headers={"Connection": "close"})
            await answer(scope, receive, send)
            return
        except TimeoutError:
            detail = f"The body was not complete within {self._seconds:g} seconds"
            await problem(408, detail, headers={"Connection": "close"})(scope, receive, send)
            return
        await self._app(scope, _replayed(body, receive), send)

    def _limit_of(self, path: str) -> int:
        return next((limit for prefix, limit in self._larger.items() if path.startswith(prefix)), self._limit)


async def _whole(scope: Scope, receive: Receive, limit: int) -> bytes:
    announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    if not announced.isdigit() or int(announced) > limit:
        raise _TooLarge
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise _Gone
        piece = message.get("body", b"")
        size += len(piece)
        if size > limit:
            raise _TooLarge
        pieces.append(piece)
        if not message.get("more_body"):
            return b"".join(pieces)


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
