"""httpx instead of the webhook engine's client, for comparison; guard and signatures stay."""

import ssl
from collections.abc import Mapping, Sequence

import httpx

from notifier.channels.webhook import EngineLimits, VettedUrl
from notifier.channels.webhook.responses import WebhookResponse
from notifier.domain.errors import TransientDeliveryError
from notifier.domain.values import Reason


class HttpxTransport:
    """The client interface (`channels.webhook.transport.Transport`), as far as httpx can."""

    def __init__(self, limits: EngineLimits, ssl_context: ssl.SSLContext) -> None:
        """Open nothing yet."""
        times = limits.timeouts
        self._client = httpx.AsyncClient(
            verify=ssl_context,
            timeout=httpx.Timeout(times.total, connect=times.connect, read=times.first_byte),
            limits=httpx.Limits(
                max_connections=None,
                max_keepalive_connections=limits.idle_sockets,
                keepalive_expiry=limits.idle_seconds,
            ),
            follow_redirects=False,
            trust_env=False,
        )

    async def post(
        self, url: VettedUrl, addresses: Sequence[str], headers: Mapping[str, str], body: bytes, *, budget: float
    ) -> WebhookResponse:
        """Send one POST to the first of the vetted addresses."""
        del budget
        target = f"{url.scheme}://{addresses[0]}:{url.port}{url.target}"
        try:
            answer = await self._client.post(target, headers={**headers, "Host": url.authority}, content=body)
        except httpx.HTTPError as error:
            raise TransientDeliveryError(Reason.UNREACHABLE, type(error).__name__) from None
        return WebhookResponse(
            status=answer.status_code, body=answer.content, retry_after=answer.headers.get("retry-after")
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()
