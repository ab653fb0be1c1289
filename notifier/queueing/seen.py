"""The quick first filter for repeated events, in Redis. Every wait is short; when Redis is away nobody notices."""

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from notifier.observability import get_logger
from notifier.queueing.addresses import for_client
from notifier.queueing.producer import Circuit

_SECONDS = 0.1
_KEPT = 24 * 3600
_log = get_logger(__name__)


class RedisSeen:
    """Does what `services.repeats.SeenEvents` asks for. Belongs to one event loop."""

    def __init__(self, url: str, namespace: str) -> None:
        """Connect on first use; `namespace` keeps installations that share a Redis apart."""
        self._client = redis.Redis.from_url(
            for_client(url),
            socket_timeout=_SECONDS,
            socket_connect_timeout=_SECONDS,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
            protocol=2,
        )
        self._prefix = f"notifier:seen:{namespace}:"
        self._circuit = Circuit()

    async def find(self, digest: str) -> str | None:
        """Return the id of the event that these bytes brought, if that is remembered."""
        if not self._circuit.may_try():
            return None
        try:
            found = await self._client.get(self._prefix + digest)
        except (RedisError, OSError) as error:
            self._failed(error)
            return None
        self._circuit.succeeded()
        return str(found) if found else None

    async def remember(self, digest: str, event_id: str) -> None:
        """Remember an event that is committed, for a day."""
        if not self._circuit.may_try():
            return
        try:
            await self._client.set(self._prefix + digest, event_id, ex=_KEPT, nx=True)
        except (RedisError, OSError) as error:
            self._failed(error)
        else:
            self._circuit.succeeded()

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.aclose()

    def _failed(self, error: Exception) -> None:
        if self._circuit.failed():
            _log.info("dedup_filter_unavailable", error=type(error).__name__, hint="the database detects repeats")
