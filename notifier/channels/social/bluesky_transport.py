"""HTTP transport for atproto: time-outs, no redirects, no proxies, configured servers only.

After a login the client switches to the server in the account's DID document, which the remote side
controls.
"""

from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import httpx

from notifier.channels.http_pool import ConnectionPool, Request
from notifier.channels.social.session import is_json
from notifier.channels.status_mapping import NoAnswerError, NotSentError, ProviderResponse, RefusedError

# The connection sets these itself; we request no compressed responses.
_SET_BELOW = frozenset({"accept-encoding", "connection", "content-length", "host", "transfer-encoding"})


class Servers:
    """The servers that may receive an account's credentials.

    Args:
        base_url: As configured; scheme, host and port must match exactly.
        hosts: Other hosts, https only; a leading dot allows all subdomains.
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
    """The request was for a server that is not configured."""


class DirectTransport(httpx.BaseTransport):
    """Sends to allowed servers only; returns only 2xx with JSON.

    Raises NotSentError, NoAnswerError or RefusedError otherwise, which atproto passes on unchanged.
    """

    def __init__(
        self, servers: Servers, on_answer: Callable[[ProviderResponse], None], timeouts: tuple[float, float]
    ) -> None:
        self._servers, self._on_answer, self._timeouts = servers, on_answer, timeouts
        self._pools: dict[str, ConnectionPool] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        if not self._servers.allow(str(request.url)):
            raise ForeignServerError(f"the account lives at {request.url.host}, which is not configured")
        path = request.url.raw_path.decode("ascii")
        body = request.read() or None
        headers = {name: value for name, value in request.headers.items() if name not in _SET_BELOW}
        wanted = Request(request.method, path, headers, b"" if body is None and request.method == "POST" else body)
        answer = self._pool(request.url).send(wanted, seconds=sum(self._timeouts))
        self._on_answer(answer)
        if not answer.ok:
            raise RefusedError(answer)
        if not is_json(answer.body):
            raise NoAnswerError(f"status {answer.status} with an unreadable body", status=answer.status)
        return httpx.Response(
            answer.status, headers={"content-type": "application/json"}, content=answer.body, request=request
        )

    def close(self) -> None:
        """Close connections."""
        for pool in self._pools.values():
            pool.close()

    def _pool(self, url: httpx.URL) -> ConnectionPool:
        origin = f"{url.scheme}://{url.netloc.decode('ascii')}"
        if origin not in self._pools:
            self._pools[origin] = ConnectionPool(origin, connect_timeout=self._timeouts[0])
        return self._pools[origin]


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or usual
