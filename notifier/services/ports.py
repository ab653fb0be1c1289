"""Protocols of what use cases need from the outside."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Protocol

from notifier.domain.values import Channel, DeliveryState, QueueName

Clock = Callable[[], datetime]
"""Returns the current aware UTC instant."""


class Job(Protocol):
    """Work that finds what is due by itself; safe to run anywhere and at any time."""

    def run(self) -> int:
        """Do what is due; returns how many items."""


class Chore(Job, Protocol):
    """A job that every sweep runs."""

    @property
    def name(self) -> str:
        """The name in the sweep's counts, logs and alerts."""


class TaskQueue(Protocol):
    """Enqueues work for now. A lost message costs only latency: the sweep repeats it."""

    def plan(self, notification_id: int) -> None:
        """Ask a worker to plan a notification's audience."""

    def attempt(self, queue: QueueName, batch_ids: Sequence[int]) -> None:
        """Ask a queue's workers to attempt batches."""

    def depth(self, queue: QueueName) -> int:
        """Return a queue's length; a large number if unknown."""


class RateLimiter(Protocol):
    """Limits provider calls over all workers; without Redis, per worker. Never raises."""

    def take(self, key: str) -> timedelta:
        """Take one call of a provider; returns how long to wait if there is none now."""

    def note(self, key: str, *, left: int | None, resets_at: datetime | None) -> None:
        """Store a provider's reported remaining calls until `resets_at`."""

    def block_until(self, key: str, until: datetime) -> None:
        """Block all calls to a provider until `until`."""

    def close(self) -> None:
        """Close connections."""


class AccountLock(Protocol):
    """Lets one worker at a time post for an account. Never raises; per process without Redis."""

    def take(self, account: str) -> AbstractContextManager[bool]:
        """Wait briefly for the account's lock; False if another worker keeps it."""

    def close(self) -> None:
        """Close connections."""


class QueueDepths(Protocol):
    """Reads the lengths of the queues."""

    def depths(self) -> Mapping[QueueName, int]:
        """Return the length of each queue; empty if the broker does not answer."""


class StoreCheck(Protocol):
    """Asks the database or the broker whether it works."""

    def trouble(self) -> str | None:
        """Return why it does not, within about a second; None if it does."""


class ProbeQueue(Protocol):
    """Enqueues recovery probes of disabled endpoints."""

    def probe(self, endpoint_id: int) -> None:
        """Ask a worker to probe an endpoint."""


class MailTaskQueue(Protocol):
    """Enqueues transactional mail. A lost message costs a second, until the sweep repeats it."""

    def send_transactional_mail(self) -> None:
        """Ask a worker to send due mail."""


class MetricsSink(Protocol):
    """Counts what this process does; never fails and never blocks."""

    def attempts(self, channel: Channel, provider: str, outcome: str, seconds: Iterable[float]) -> None:
        """Count attempts with one outcome, and their durations."""

    def settled(self, channel: Channel, provider: str, locale: str, state: DeliveryState, number: int) -> None:
        """Count deliveries that reached a state."""

    def unknown(self, channel: Channel) -> None:
        """Count an attempt with an unknown outcome."""


class Life(Protocol):
    """Whether this process counts as alive: while it does, its leases are its own.

    See `services/operations/heartbeat.py`.
    """

    def ensure(self) -> None:
        """Make sure of it; raises `UnavailableError` if the database is unavailable."""

    def lasting(self) -> Callable[[], bool]:
        """Return a non-blocking check of whether it has been so since now."""


class NotWatched:
    """Liveness without a heartbeat (command lines, tests): leases expire by time only."""

    def ensure(self) -> None:
        """Do nothing."""

    def lasting(self) -> Callable[[], bool]:
        """Return a check that is always true."""
        return lambda: True


class NoMetrics:
    """Counts nothing: for command lines and tests."""

    def attempts(self, channel: Channel, provider: str, outcome: str, seconds: Iterable[float]) -> None:
        """Do nothing."""

    def settled(self, channel: Channel, provider: str, locale: str, state: DeliveryState, number: int) -> None:
        """Do nothing."""

    def unknown(self, channel: Channel) -> None:
        """Do nothing."""


class NoTaskQueue:
    """For command lines without a broker: leaves everything to the sweep."""

    def plan(self, notification_id: int) -> None:
        """Leave it to the sweep."""

    def attempt(self, queue: QueueName, batch_ids: Sequence[int]) -> None:
        """Leave it to the sweep."""

    def send_transactional_mail(self) -> None:
        """Leave it to the sweep."""

    def depth(self, queue: QueueName) -> int:
        """Return 0."""
        del queue
        return 0


class Quota(Protocol):
    """Counts uses in fixed windows (`queueing/quota.py`)."""

    def take(self, name: str, *, most: int, seconds: int) -> bool:
        """Count one use of `name`; returns whether it is within `most` uses in `seconds`."""

    def is_spent(self, name: str, *, most: int, seconds: int) -> bool:
        """Whether `name` has reached `most` uses in this window; counts nothing."""
