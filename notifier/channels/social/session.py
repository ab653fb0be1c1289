"""A requests session for provider libraries: time-outs, size limit, no redirects, no proxies.

Anything but a 2xx with JSON is raised as our own exception before a library can fail on it: tweepy
raises AttributeError if an error body is a JSON list, and ValueError on an invalid rate header.
"""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests
import urllib3
import urllib3.connection
import urllib3.exceptions
from requests.adapters import HTTPAdapter

from notifier.channels.deadline_socket import timed_response
from notifier.channels.status_mapping import LARGEST_ANSWER, NoAnswerError, NotSentError, ProviderResponse, RefusedError

CONNECT_TIMEOUT, READ_TIMEOUT = 5.0, 20.0  # seconds

# Errors before a byte was written; requests wraps these of urllib3 in its own ConnectionError.
_BEFORE_WRITING = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.NameResolutionError,
    urllib3.exceptions.ConnectTimeoutError,
)
# Mastodon.py fails after a successful post if it cannot parse these; `on_answer` gets them first.
_READ_BY_US = (
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "mastodon-async-refresh",
    "deprecation",
)
_CHUNK = 65_536


class DirectSession(requests.Session):
    """A session for one provider that ignores the environment: no proxy, no .netrc, no CA bundle.

    Args:
        on_answer: Called with every complete response, errors included, to read rate headers.
        rewrite: `(literal, actual)`: replaces the first by the second at the start of URLs.
        timeouts: Seconds to connect and for the whole response, if the library passes none.
    """

    def __init__(
        self,
        *,
        on_answer: Callable[[ProviderResponse], None] = lambda _answer: None,
        rewrite: tuple[str, str] | None = None,
        timeouts: tuple[float, float] = (CONNECT_TIMEOUT, READ_TIMEOUT),
    ) -> None:
        super().__init__()
        self.trust_env = False
        self._on_answer = on_answer
        adapter = BoundedAdapter(rewrite=rewrite, timeouts=timeouts)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Follow no redirect: it would turn a POST into a GET that looks like success."""
        del resp

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request; return only a 2xx with a JSON object or list.

        Raises:
            NotSentError: nothing was written.
            NoAnswerError: the request was written, but no complete, readable response arrived.
            RefusedError: any other status.
        """
        try:
            response = super().request(method, url, *args, **kwargs)
        except requests.RequestException as error:
            raise transport_fault(error) from None
        headers = {name.lower(): value for name, value in response.headers.items()}
        answer = ProviderResponse(response.status_code, headers, response.content, urlsplit(response.url).path)
        self._on_answer(answer)
        if not answer.ok:
            raise RefusedError(answer)
        if not is_json(answer.body):
            raise NoAnswerError(f"status {answer.status} with an unreadable body", status=answer.status)
        for name in _READ_BY_US:
            response.headers.pop(name, None)
        return response


class BoundedAdapter(HTTPAdapter):
    """Sends to the rewritten URL and limits the size of the response."""

    def __init__(self, *, rewrite: tuple[str, str] | None, timeouts: tuple[float, float]) -> None:
        super().__init__(max_retries=0)
        self._rewrite, self._timeouts = rewrite, timeouts
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def send(  # noqa: PLR0917 - the signature of requests
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: FBT001, FBT002 - the signature of requests
        timeout: Any = None,
        verify: bool | str = True,  # noqa: FBT001, FBT002 - the signature of requests
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send a prepared request, signed for the literal URL, which a simulator must verify."""
        del stream, proxies
        if self._rewrite is not None and request.url is not None and request.url.startswith(self._rewrite[0]):
            request = request.copy()
            request.url = self._rewrite[1] + (request.url or "")[len(self._rewrite[0]) :]
        response = super().send(
            request, stream=True, timeout=timeout or self._timeouts, verify=verify, cert=cert, proxies={}
        )
        try:
            response._content = _whole(response)  # noqa: SLF001 - as requests, with a limit
        finally:
            response.close()
        return response


class _Connection(urllib3.connection.HTTPConnection):
    """A connection whose whole response must arrive within the read time-out."""

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]  # as urllib3's own
        self.response_class = _bounded(self.timeout)
        return super().getresponse()


class _TlsConnection(urllib3.connection.HTTPSConnection):
    """The same with TLS."""

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]  # as urllib3's own
        self.response_class = _bounded(self.timeout)
        return super().getresponse()


def _bounded(timeout: object) -> Any:
    seconds = timeout if isinstance(timeout, float | int) else READ_TIMEOUT
    return partial(timed_response, until=time.monotonic() + seconds)


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def _whole(response: requests.Response) -> bytes:
    parts, size = [], 0
    for part in response.iter_content(_CHUNK):
        parts.append(part)
        size += len(part)
        if size > LARGEST_ANSWER:
            break
    return b"".join(parts)


def is_json(body: bytes) -> bool:
    """Whether a body is a JSON object or list."""
    try:
        return isinstance(orjson.loads(body), dict | list)
    except orjson.JSONDecodeError:
        return False


def transport_fault(error: requests.RequestException) -> NotSentError | NoAnswerError:
    """Distinguish a request that cannot have arrived from one that may have."""
    name = type(error).__name__
    if isinstance(error, requests.ConnectTimeout | ValueError):  # ValueError: invalid URL or header
        return NotSentError(name)
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    if isinstance(error, requests.ReadTimeout) or isinstance(reason, urllib3.exceptions.ReadTimeoutError):
        return NoAnswerError("time-out while waiting for the answer", timed_out=True)
    if isinstance(reason, _BEFORE_WRITING) or "CERTIFICATE_VERIFY_FAILED" in repr(reason):
        return NotSentError(f"{name}: {type(reason).__name__}")
    return NoAnswerError(f"no whole answer: {name}")
