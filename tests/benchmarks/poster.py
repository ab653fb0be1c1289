"""Post prepared HTTP requests as fast as they are answered."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast


@dataclass(slots=True)
class Posted:
    """Results: seconds to each 2xx answer, and the number of other answers."""

    seconds: list[float] = field(default_factory=list)
    refused: int = 0


async def post_all(requests: Sequence[bytes], port: int, *, connections: int, host: str = "127.0.0.1") -> Posted:
    """Post complete HTTP/1.1 requests to a port of this machine, repeating refused ones."""
    loop = asyncio.get_running_loop()
    queue, posted = deque(requests), Posted()
    finished = [loop.create_future() for _ in range(connections)]

    def poster(done: "asyncio.Future[None]") -> "_Poster":
        return _Poster(queue, posted, done)

    for done in finished:
        await loop.create_connection(lambda done=done: poster(done), host, port)  # type: ignore[misc]
    await asyncio.gather(*finished)
    return posted


class _Poster(asyncio.Protocol):
    """Posts the next request as soon as the last one is answered."""

    def __init__(self, queue: deque[bytes], posted: Posted, done: "asyncio.Future[None]") -> None:
        self._queue, self._posted, self._done = queue, posted, done
        self._transport: asyncio.Transport | None = None
        self._since, self._request = 0.0, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's class is not a subclass of asyncio's
        self._next()

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"HTTP/1.1 2"):
            self._posted.seconds.append(time.perf_counter() - self._since)
            self._next()
        elif data.startswith(b"HTTP/1.1 "):
            self._posted.refused += 1
            self._queue.append(self._request)
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(exc or ConnectionError("hung up before everything was answered"))

    def _next(self) -> None:
        assert self._transport is not None
        if self._queue:
            self._request, self._since = self._queue.popleft(), time.perf_counter()
            self._transport.write(self._request)
        else:
            if not self._done.done():
                self._done.set_result(None)
            self._transport.close()
