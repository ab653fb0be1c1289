"""A request's body as a file: read piece by piece in a thread, so that a list of any length takes the same memory."""

import asyncio
import io
import time
from collections.abc import AsyncIterator

from anyio import from_thread

PIECE_SECONDS = 60.0  # how long we wait for the next so many bytes: a list that trickles takes the others' turn
PIECE_BYTES = 16 * 1024
_BUFFER = 1 << 16


class _Pieces(io.RawIOBase):
    """The raw side of the file; only used from a thread that the event loop's own code started."""

    def __init__(self, stream: AsyncIterator[bytes], seconds: float) -> None:
        self._stream, self._seconds = stream, seconds
        self._rest = memoryview(b"")
        self._waited, self._came = 0.0, 0

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
        began = time.monotonic()
        async with asyncio.timeout(self._seconds - self._waited):
            piece = await anext(self._stream, None)
        self._waited += time.monotonic() - began  # what we take ourselves, to store rows, does not count
        self._came += len(piece or b"")
        if self._came >= PIECE_BYTES:
            self._waited, self._came = 0.0, 0
        elif self._waited >= self._seconds:
            raise TimeoutError
        return piece


def as_file(stream: AsyncIterator[bytes], seconds: float = PIECE_SECONDS) -> io.BufferedReader:
    """Return a file to be read in a thread made by `anyio.to_thread`.

    Reading raises TimeoutError when the caller keeps us waiting `seconds` for the next 16 KiB, and Starlette's
    ClientDisconnect when the caller hangs up: a body that ends early must not pass for a whole one.
    """
    return io.BufferedReader(_Pieces(stream, seconds), _BUFFER)
