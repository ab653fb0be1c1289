"""What use cases need from the outside, as small protocols."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Protocol

from notifier.domain.values import Channel, DeliveryState, QueueName

Clock = Callable[[], datetime]
"""Returns the present aware UTC instant."""


class Job(Protocol):
    """Work that looks itself for what is due; safe to run anywhere and at any time."""

    def run(self) -> int:
        """Do what is due; returns how much that was."""


class Chore(Job, Protocol):
    """A job that every round of the sweep runs."""

    @property
    def name(self) -> str:
        """Its name in the sweep's counts, in logs and in alarms."""


class TaskQueue(Protocol):
    """Makes things happen now. Losing a nudge costs latency only: the sweep repeats what is due."""

    def plan(self, notification_id: int) -> None:
        """Ask a worker to plan a notification's audience."""

    def attempt(self, queue: QueueName, batch_ids: Sequence[int]) -> None:
        """Ask workers of a lane to attempt batches."""

    def depth(self, queue: QueueName) -> int:
        """Return how many nudges wait in a lane; a large number when nobody knows."""


class RateLimiter(Protocol):
    """Keeps calls to providers within their rates, for all workers together. Never raises; without Redis, for one."""

    def take(self, key: str) -> timedelta:
        """Take one call of a provider; returns how long to wait instead where none may be made now."""

    def note(self, key: str, *, left: int | None, resets_at: datetime | None) -> None:
        """Take in what a provider's answer said is left until `resets_at`."""

    def block_until(self, key: str, until: datetime) -> None:
        """Let nobody call a provider before `until`."""

    def close(self) -> None:
        """Let go of connections."""


class AccountLock(Protocol):
    """Lets one caller at a time speak as an account, over all workers. Never raises; without Redis, per process."""

    def take(self, account: str) -> AbstractContextManager[bool]:
        """Wait a little for the account's turn; False where somebody else goes on having it."""

    def close(self) -> None:
        """Let go of connections."""


class QueueDepths(Protocol):
    """Counts what waits in the queues."""

    def depths(self) -> Mapping[QueueName, int]:
        """Return the length of each queue; empty if the broker does not answer."""


class BrokerCheck(Protocol):
    """Asks the broker whether it takes messages."""

    def trouble(self) -> str | None:
        """Return why it takes none, within about a second; None if it does."""


class ProbeQueue(Protocol):
    """Lets a worker find out whether a disabled endpoint works again."""

    def probe(self, endpoint_id: int) -> None:
        """Ask for a probe of an endpoint."""


class MailTaskQueue(Protocol):
    """Makes letters leave now; losing a nudge costs a second, until the sweep repeats it."""

    def send_transactional_mail(self) -> None:
        """Ask a worker to send the letters that are due."""


class MetricsSink(Protocol):
    """Counts what this process does; never fails and never waits."""

    def attempts(self, channel: Channel, provider: str, outcome: str, seconds: Iterable[float]) -> None:
        """Count tries that ended alike: how long each took."""

    def settled(self, channel: Channel, provider: str, locale: str, state: DeliveryState, number: int) -> None:
        """Count deliveries that came to a state."""

    def unknown(self, channel: Channel) -> None:
        """Count an attempt of which nobody knows whether it went through."""


class Life(Protocol):
    """Whether others take this process for alive: while they do, its leases are its own.

    See `services/operations/heartbeat.py`.
    """

    def ensure(self) -> None:
        """Be sure of it; raises `UnavailableError` where the database is away."""

    def lasting(self) -> Callable[[], bool]:
        """Return a question that never waits: whether it was so all the time since now."""


class NotWatched:
    """The life of a process without a heartbeat (command lines, tests): its leases end by the clock alone."""

    def ensure(self) -> None:
        """Nobody watches."""

    def lasting(self) -> Callable[[], bool]:
        """Nobody watches."""
        return lambda: True


class NoMetrics:
    """Counts nothing: for command lines and tests."""

    def attempts(self, channel: Channel, provider: str, outcome: str, seconds: Iterable[float]) -> None:
        """Nobody asks."""

    def settled(self, channel: Channel, provider: str, locale: str, state: DeliveryState, number: int) -> None:
        """Nobody asks."""

    def unknown(self, channel: Channel) -> None:
        """Nobody asks."""


class NoTaskQueue:
    """For command lines without a broker: everything is left to the sweep."""

    def plan(self, notification_id: int) -> None:
        """Leave it to the sweep."""

    def attempt(self, queue: QueueName, batch_ids: Sequence[int]) -> None:
        """Leave it to the sweep."""

    def send_transactional_mail(self) -> None:
        """Leave it to the sweep."""

    def depth(self, queue: QueueName) -> int:
        """Nothing waits."""
        del queue
        return 0


class Quota(Protocol):
    """Counts uses in fixed windows (`queueing/quota.py`)."""

    def take(self, name: str, *, most: int, seconds: int) -> bool:
        """Count one use of `name`; whether it is within `most` uses in `seconds`."""

    def is_spent(self, name: str, *, most: int, seconds: int) -> bool:
        """Whether `name` was used `most` times or more in this window; counts nothing."""
