"""Read a response within one deadline; a socket's own time-out restarts with every byte."""

import http.client
import io
import socket
import time
from typing import Any, cast


def timed_response(sock: socket.socket, *args: object, until: float, **kwargs: object) -> http.client.HTTPResponse:
    """Return an HTTPResponse whose reads all end at `until` (`time.monotonic`).

    Bind `until` and set it as the `response_class` of a connection.
    """
    timed = cast("socket.socket", _TimedSocket(sock, until))
    return http.client.HTTPResponse(timed, *cast("Any", args), **cast("Any", kwargs))


class _TimedSocket:
    """The part of a socket that HTTPResponse needs: a file to read from."""

    def __init__(self, sock: socket.socket, until: float) -> None:
        self._sock, self._until = sock, until

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return a reader that respects the deadline."""
        return io.BufferedReader(_TimedReader(self._sock, self._until))


class _TimedReader(io.RawIOBase):
    """Waits for each read for the socket's time-out, but never past the deadline."""

    def __init__(self, sock: socket.socket, until: float) -> None:
        self._sock, self._until, self._each = sock, until, sock.gettimeout()
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left if self._each is None else min(left, self._each))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
