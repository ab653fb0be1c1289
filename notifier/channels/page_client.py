"""Get a status page that an operator configured.

Its host may be internal, unlike a partner's: whoever configures it is trusted. What it answers is not: no
redirect is followed, proxy settings of the environment are ignored, and time and size are limited.
"""

import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

from notifier import __version__
from notifier.channels.http_pool import ConnectionPool, Request
from notifier.channels.status_mapping import (
    LARGEST_ANSWER,
    ExchangeError,
    ProviderResponse,
    retry_after_header,
)
from notifier.domain.proposals.polled_page import PageAnswer, PageUnreadableError

_MOST_UNPACKED = 16 * 1024 * 1024  # bytes; fifty incidents with long timelines take one or two million
_NOT_MODIFIED = 304
_GZIP = 31  # zlib: a gzip header, with the largest window
_CONDITIONS = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}


class PageClient:
    """One page. Opens nothing before the first request. Thread-safe.

    Args:
        url: The page's address; what is fetched lies below it.
        connect_timeout: Seconds.
        timeout: Seconds for everything from connecting to the last byte.
    """

    def __init__(self, url: str, *, connect_timeout: float, timeout: float) -> None:
        self._pool = ConnectionPool(url, connect_timeout=connect_timeout)
        self._base = urlsplit(url).path.rstrip("/")
        self._timeout = timeout

    def fetch(self, path: str, validators: Mapping[str, str]) -> PageAnswer:
        """Get a path below the page, if it has changed since `validators` (by header name, lower case).

        Raises:
            PageUnreadableError: Anything but a whole 200 or 304.
        """
        conditions = {header: validators[name] for name, header in _CONDITIONS.items() if name in validators}
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": f"notifier/{__version__}",
            **conditions,
        }
        try:
            answer = self._pool.send(Request("GET", f"{self._base}{path}", headers), seconds=self._timeout)
        except ExchangeError as error:
            raise PageUnreadableError(str(error)) from None
        if answer.status == _NOT_MODIFIED and conditions:
            return PageAnswer(None, validators)
        if not answer.ok:
            raise _refused(answer)
        found = {name: answer.headers[name] for name in _CONDITIONS if name in answer.headers}
        return PageAnswer(_body(answer), found)

    def close(self) -> None:
        """Close idle connections."""
        self._pool.close()


def _refused(answer: ProviderResponse) -> PageUnreadableError:
    detail = f"HTTP {answer.status}"
    if "location" in answer.headers:
        target = urlsplit(answer.headers["location"]).hostname or "another path"
        detail += f": redirects to {target}, which is not followed; configure the page's own address"
    asked = retry_after_header(answer.headers, datetime.now(UTC))
    return PageUnreadableError(detail, status=answer.status, retry_after=asked)


def _body(answer: ProviderResponse) -> bytes:
    if len(answer.body) > LARGEST_ANSWER:
        raise PageUnreadableError("the answer is too long")
    if answer.headers.get("content-encoding", "").strip().lower() not in ("gzip", "x-gzip"):
        return answer.body
    unpacking = zlib.decompressobj(wbits=_GZIP)
    try:
        body = unpacking.decompress(answer.body, _MOST_UNPACKED)
    except zlib.error:
        raise PageUnreadableError("the answer is damaged: not gzip, as it says") from None
    if not unpacking.eof:
        raise PageUnreadableError("the answer is too long, or cut off")
    return body
