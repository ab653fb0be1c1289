"""The HTTP below atproto's client: time-outs, no redirects, no proxies, and only to servers we were told of.

After a login the client moves to the server its account's document names; what that is, is the other side's choice.
"""

from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import httpx

from notifier.channels.http import LARGEST_ANSWER, Answer, NoAnswerError, NotSentError, RefusedError
from notifier.channels.social.session import is_json

_ENCODED = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class Servers:
    """The servers an account may be spoken to at: the configured one, and hosts it may live on behind it.

    Args:
        base_url: As configured; its scheme, host and port must match exactly.
        hosts: Further hosts, by https only; one that begins with a dot stands for every host below it.
    """

    def __init__(self, base_url: str, hosts: Sequence[str] = ()) -> None:
        self._origin, self._hosts = _origin(base_url), tuple(host.lower() for host in hosts)

    def allow(self, url: str) -> bool:
        """Whether credentials may be sent to this URL."""
        if _origin(url) == self._origin:
            return True
        scheme, host, _ = _origin(url)
        return scheme == "https" and any(
            host == allowed or (allowed.startswith(".") and host.endswith(allowed)) for allowed in self._hosts
        )


class ForeignServerError(NotSentError):
    """A request was about to go to a server that is not configured."""


class DirectTransport(httpx.BaseTransport):
    """Sends to allowed servers; returns only 2xx with JSON.

    Everything else leaves as an exception of ours, which atproto passes on as it is: NotSentError, NoAnswerError,
    RefusedError.
    """

    def __init__(self, servers: Servers, on_answer: Callable[[Answer], None]) -> None:
        self._servers, self._on_answer = servers, on_answer
        self._inner = httpx.HTTPTransport(trust_env=False, retries=0)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        if not self._servers.allow(str(request.url)):
            raise ForeignServerError(f"the account lives at {request.url.host}, which is not configured")
        try:
            response = self._inner.handle_request(request)
            try:
                body = _whole(response)
            finally:
                response.close()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            raise NotSentError(type(error).__name__) from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            timed_out = isinstance(error, httpx.TimeoutException)
            raise NoAnswerError(f"no whole answer: {type(error).__name__}", timed_out=timed_out) from None
        headers = {name.lower(): value for name, value in response.headers.items()}
        answer = Answer(response.status_code, headers, body, request.url.path)
        self._on_answer(answer)
        if not answer.ok:
            raise RefusedError(answer)
        if not is_json(body):
            raise NoAnswerError(f"status {answer.status} with an unreadable body", status=answer.status)
        kept = {name: value for name, value in headers.items() if name not in _ENCODED}
        kept["content-type"] = "application/json"
        return httpx.Response(response.status_code, headers=kept, content=body, request=request)

    def close(self) -> None:
        """Close connections."""
        self._inner.close()


def _whole(response: httpx.Response) -> bytes:
    parts, size = [], 0
    for part in response.iter_bytes():
        parts.append(part)
        size += len(part)
        if size > LARGEST_ANSWER:
            break
    return b"".join(parts)


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or usual
