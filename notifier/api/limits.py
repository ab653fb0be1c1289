"""Guards in front of every request: bodies are bounded before anybody parses them."""

from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from notifier.api.problems import problem
from notifier.domain.errors import FieldError


class BodyLimit:
    """Refuse a body over `limit` bytes with 413, whether its length was announced or not."""

    def __init__(self, app: ASGIApp, limit: int, streaming: Sequence[str] = ()) -> None:
        """Guard `app`; paths in `streaming` take bodies of any length piece by piece."""
        self._app, self._limit, self._streaming = app, limit, tuple(streaming)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on while its body stays within the limit."""
        if scope["type"] != "http" or scope["path"] in self._streaming:
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > self._limit:
            await self._refuse(scope, receive, send)
            return
        body = await self._read(receive)
        if body is None:
            await self._refuse(scope, receive, send)
            return
        replayed = False

        async def again() -> Message:
            nonlocal replayed
            if replayed:
                return await receive()
            replayed = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, again, send)

    async def _read(self, receive: Receive) -> bytes | None:
        pieces: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return b"".join(pieces)
            piece = message.get("body", b"")
            size += len(piece)
            if size > self._limit:
                return None
            pieces.append(piece)
            if not message.get("more_body"):
                return b"".join(pieces)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        detail = f"The body is larger than the {self._limit:,} bytes taken here"
        answer = problem(413, detail, errors=[FieldError("body", detail)], headers={"Connection": "close"})
        await answer(scope, receive, send)
