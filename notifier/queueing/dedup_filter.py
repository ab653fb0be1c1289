"""The quick first filter for repeated events, in Redis. Every wait is short; when Redis is away nobody notices."""

from notifier.observability import get_logger
from notifier.queueing.broker import async_redis_client
from notifier.queueing.circuit import RedisCircuit

_SECONDS = 0.1
_KEPT = 24 * 3600
_log = get_logger(__name__)


class RedisDedupFilter:
    """Does what `services.repeats.SeenEvents` asks for. Belongs to one event loop."""

    def __init__(self, url: str, namespace: str) -> None:
        """Connect on first use; `namespace` keeps installations that share a Redis apart."""
        self._client = async_redis_client(url, timeout=_SECONDS)
        self._prefix = f"notifier:seen:{namespace}:"
        self._circuit = RedisCircuit(
            lambda error: _log.info("dedup_filter_unavailable", error=error, hint="the database detects repeats")
        )

    async def find(self, digest: str) -> str | None:
        """Return the id of the event that these bytes brought, if that is remembered."""
        with self._circuit.attempt() as may:
            if may:
                found = await self._client.get(self._prefix + digest)
                return str(found) if found else None
        return None

    async def remember(self, digest: str, event_id: str) -> None:
        """Remember an event that is committed, for a day."""
        with self._circuit.attempt() as may:
            if may:
                await self._client.set(self._prefix + digest, event_id, ex=_KEPT, nx=True)

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.aclose()
