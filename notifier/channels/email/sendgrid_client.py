"""SendGrid's own client on our connection pool: keep-alive, deadlines, no redirects, no proxy.

python_http_client opens a new connection for every call, has no time-out, follows redirects as GET,
and logs the API key and every payload at DEBUG. All of that happens in or below `_make_request`,
which this module replaces.
"""

import email.message
import io
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

import python_http_client
from python_http_client.exceptions import handle_error
from sendgrid import SendGridAPIClient

from notifier.channels.http_pool import ConnectionPool, Request
from notifier.channels.redact import hush
from notifier.channels.status_mapping import ProviderResponse

_JSON = "application/json"


class Payload(bytes):
    """An encoded request body that the library passes on unchanged and never logs."""

    __slots__ = ()

    def encode(self, _charset: str) -> "Payload":
        """Pose as text: the library would serialise a dict, slowly and with ASCII escapes."""
        return self

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)


class PooledClient(python_http_client.Client):  # type: ignore[misc]  # the library has no types
    """The library's client on our transport. Keeps `authorization` out of its logs."""

    def __init__(self, pool: ConnectionPool, authorization: str, **options: Any) -> None:
        self._pool, self._authorization = pool, authorization
        super().__init__(**options)

    def _build_client(self, name: str | None = None) -> "PooledClient":
        return PooledClient(
            self._pool,
            self._authorization,
            host=self.host,
            version=self._version,
            request_headers=self.request_headers,
            url_path=[*self._url_path, name] if name else self._url_path,
            append_slash=self.append_slash,
            timeout=self.timeout,
        )

    def _make_request(self, opener: object, request: urllib.request.Request, timeout: float | None = None) -> "_Opened":
        del opener  # it would use proxies from the environment and follow redirects
        headers = {name: str(value) for name, value in request.header_items()}
        headers |= {"Content-type": _JSON, "Authorization": self._authorization}
        body = request.data if isinstance(request.data, bytes) else b""
        wanted = Request("POST", request.selector, headers, bytes(body))
        answer = self._pool.send(wanted, seconds=timeout or self.timeout)
        if answer.ok:
            return _Opened(answer)
        reply = urllib.error.HTTPError(
            request.full_url, answer.status, "", _message(answer.headers), io.BytesIO(answer.body)
        )
        with reply:
            raise handle_error(reply) from None


class _Opened:
    """A response with urllib's interface."""

    def __init__(self, answer: ProviderResponse) -> None:
        self._answer = answer

    def getcode(self) -> int:
        return self._answer.status

    def read(self) -> bytes:
        return self._answer.body

    def info(self) -> email.message.Message:
        return _message(self._answer.headers)


def _message(headers: Mapping[str, str]) -> email.message.Message:
    message = email.message.Message()
    for name, value in headers.items():
        message[name] = value
    return message


def sendgrid_api(api_key: str, base_url: str, pool: ConnectionPool, *, timeout: float) -> SendGridAPIClient:
    """Return the library's client on our transport; opens nothing."""
    hush("python_http_client", "sendgrid")
    api = SendGridAPIClient(api_key, host=base_url)
    headers = {name: value for name, value in api.client.request_headers.items() if name != "Authorization"}
    # The library sends our bytes only if this is not plain JSON; `_make_request` restores it.
    headers["Content-Type"] = f"{_JSON}; charset=utf-8"
    api.client = PooledClient(
        pool, f"Bearer {api_key}", host=base_url, request_headers=headers, version=3, timeout=timeout
    )
    return api
