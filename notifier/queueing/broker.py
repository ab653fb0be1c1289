"""Queues and clients; nothing here opens a connection by itself."""

from typing import Any

import redis
from kombu import Exchange, Queue
from redis import asyncio as redis_asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from notifier.domain.values import QueueName
from notifier.queueing.addresses import for_client

# Celery redelivers a task that is not acknowledged within this time. Attempts have deadlines of
# seconds and leases of minutes, planning a range takes less than a second; retries wait in the
# database, never in the queue.
VISIBILITY_SECONDS = 1800
QUICK_SECONDS = 1.0


def redis_client(url: str, *, timeout: float = QUICK_SECONDS) -> redis.Redis:
    """Return a thread-safe client that fails within `timeout` seconds instead of trying on; strings are text.

    Every command may raise `redis.RedisError`.
    """
    return redis.Redis.from_url(for_client(url), retry=Retry(NoBackoff(), 0), **_options(url, timeout))


def async_redis_client(url: str, *, timeout: float) -> redis_asyncio.Redis:
    """Return the same for one event loop."""
    return redis_asyncio.Redis.from_url(for_client(url), retry=AsyncRetry(NoBackoff(), 0), **_options(url, timeout))


def _options(url: str, timeout: float) -> dict[str, Any]:
    options = {"socket_timeout": timeout, "decode_responses": True, "protocol": 2}
    tcp_only = {"socket_connect_timeout": timeout, "socket_keepalive": True}
    return options if for_client(url).startswith("unix") else options | tcp_only


def queues() -> tuple[Queue, ...]:
    """Return all queues.

    Uses the default exchange, which routes by queue name: a named exchange keeps its bindings in
    Redis, and messages sent after a FLUSHALL would be refused until a worker restarts.
    """
    return tuple(Queue(queue.value, exchange=Exchange(""), routing_key=queue.value) for queue in QueueName)
