"""A request's body as a file, read piece by piece in a thread: constant memory for any length."""

import asyncio
import io
import time
from collections.abc import AsyncIterator

from anyio import from_thread

PIECE_SECONDS = 60.0  # for the next 16 KiB: a slow upload blocks others
PIECE_BYTES = 16 * 1024
_BUFFER = 1 << 16


class _Pieces(io.RawIOBase):
    """The raw side of the file; use it only in threads started by anyio."""

    def __init__(self, stream: AsyncIterator[bytes], seconds: float) -> None:
        self._stream, self._seconds = stream, seconds
        self._rest = memoryview(b"")
        self._waited, self._came = 0.0, 0

    def readable(self) -> bool:
        """Return True: a body can be read, once."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # BufferedReader passes a memoryview
        """Fill the buffer with available data; 0 at the end."""
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
        began = time.monotonic()
        async with asyncio.timeout(self._seconds - self._waited):
            piece = await anext(self._stream, None)
        self._waited += time.monotonic() - began  # our own time, spent storing rows, does not count
        self._came += len(piece or b"")
        if self._came >= PIECE_BYTES:
            self._waited, self._came = 0.0, 0
        elif self._waited >= self._seconds:
            raise TimeoutError
        return piece


def as_file(stream: AsyncIterator[bytes], seconds: float = PIECE_SECONDS) -> io.BufferedReader:
    """Return a file that must be read in a thread of `anyio.to_thread`.

    Reading raises TimeoutError if the next 16 KiB take longer than `seconds`, and Starlette's
    ClientDisconnect if the client disconnects: a truncated body must not pass for a complete one.
    """
    return io.BufferedReader(_Pieces(stream, seconds), _BUFFER)
