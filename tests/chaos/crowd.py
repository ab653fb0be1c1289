"""A crowd at the API: readers with open connections, and silent sockets."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import HTTPResponse

from notifier.files import grant_open_files
from notifier.supervise.installation import SystemFailedError

READERS = SILENT = 1_100
_AT_ONCE = 8
_PAGE = b"GET /en/ HTTP/1.1\r\nHost: readers\r\n\r\n"
_SECONDS = 60.0
_OTHER_FILES = 512
_OK = 200


@contextmanager
def crowd(port: int, *, readers: int = READERS, silent: int = SILENT) -> Iterator[None]:
    """Keep connections open: readers that have loaded the status page, and silent sockets.

    Raises:
        SystemFailedError: A reader got no page.
    """
    grant_open_files(readers + silent + _OTHER_FILES)
    with ExitStack() as standing, ThreadPoolExecutor(_AT_ONCE) as pool:
        for raw in pool.map(lambda _: _reader(port), range(readers)):
            standing.enter_context(raw)
        for _ in range(silent):
            standing.enter_context(_connected(port))
        yield


def _reader(port: int) -> socket.socket:
    raw = _connected(port)
    raw.sendall(_PAGE)
    answer = HTTPResponse(raw)
    answer.begin()
    answer.read()
    if answer.status != _OK:
        raise SystemFailedError(f"a reader got {answer.status}")
    return raw


def _connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=_SECONDS)
