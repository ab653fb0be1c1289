"""Fast first filter for repeated events, in Redis. Waits are short; optional if Redis is down."""

from notifier.observability import get_logger
from notifier.queueing.broker import async_redis_client
from notifier.queueing.circuit import RedisCircuit

_SECONDS = 0.1
_KEPT = 24 * 3600
_log = get_logger(__name__)


class RedisDedupFilter:
    """Implements `services.events.deduplicate.DedupFilter`. Belongs to one event loop."""

    def __init__(self, url: str, namespace: str) -> None:
        """Connect on first use; `namespace` keeps installations that share a Redis apart."""
        self._client = async_redis_client(url, timeout=_SECONDS)
        self._prefix = f"notifier:seen:{namespace}:"
        self._circuit = RedisCircuit(
            lambda error: _log.info("dedup_filter_unavailable", error=error, hint="the database detects repeats")
        )

    async def find(self, digest: str) -> str | None:
        """Return the id of the event stored for this digest, if any."""
        with self._circuit.attempt() as may:
            if may:
                found = await self._client.get(self._prefix + digest)
                return str(found) if found else None
        return None

    async def remember(self, digest: str, event_id: str) -> None:
        """Remember a committed event for a day."""
        with self._circuit.attempt() as may:
            if may:
                await self._client.set(self._prefix + digest, event_id, ex=_KEPT, nx=True)

    async def close(self) -> None:
        """Close connections."""
        await self._client.aclose()
