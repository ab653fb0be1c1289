"""A request's body as a file: read piece by piece in a thread, so that a list of any length takes the same memory."""

import asyncio
import io
from collections.abc import AsyncIterator

from anyio import from_thread

PIECE_SECONDS = 60.0  # how long a caller may stay silent
_BUFFER = 1 << 16


class _Pieces(io.RawIOBase):
    """The raw side of the file; only used from a thread that the event loop's own code started."""

    def __init__(self, stream: AsyncIterator[bytes], seconds: float) -> None:
        self._stream, self._seconds = stream, seconds
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """A body can be read, once."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # what BufferedReader gives
        """Fill the buffer with what is there; 0 at the end."""
        while not self._rest:
            piece = from_thread.run(self._next)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    async def _next(self) -> bytes | None:
        async with asyncio.timeout(self._seconds):
            return await anext(self._stream, None)


def as_file(stream: AsyncIterator[bytes], seconds: float = PIECE_SECONDS) -> io.BufferedReader:
    """Return a file to be read in a thread made by `anyio.to_thread`.

    Reading raises TimeoutError when the caller is silent for `seconds`, and Starlette's ClientDisconnect when the
    caller hangs up: a body that ends early must not pass for a whole one.
    """
    return io.BufferedReader(_Pieces(stream, seconds), _BUFFER)
