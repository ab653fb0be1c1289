"""Gauges for metrics: one cheap look at the ledger and the broker."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from notifier.domain.providers.breaker import ProviderState
from notifier.domain.values import QueueName
from notifier.services.ports import Clock, QueueDepths
from notifier.services.providers.status import Providers, ProviderStatus
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import deliveries, due_batches, posts
from notifier.storage.notifications import latency
from notifier.storage.operations import alerts, counters, gauges, metrics
from notifier.storage.proposals import polled_pages

Counted = Mapping[tuple[str, ...], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsSnapshot:
    """Metric values, keyed by the labels named in each comment."""

    batches: Counted = field(default_factory=dict)  # lane, state
    overdue: Counted = field(default_factory=dict)  # lane: age in seconds of the oldest due batch
    incidents: Counted = field(default_factory=dict)  # status
    events: Counted = field(default_factory=dict)  # outcome
    notifications: Counted = field(default_factory=dict)  # channel, state
    counters: Counted = field(default_factory=dict)  # name, label
    alerts: Counted = field(default_factory=dict)  # alert: seconds since it was raised
    queue: Counted = field(default_factory=dict)  # lane: messages in the broker
    posts: Counted = field(default_factory=dict)  # account: published posts
    spent: Counted = field(default_factory=dict)  # account: cost of its posts in US dollars
    # channel: seconds from the newest decision to its first and last recipient
    first: Counted = field(default_factory=dict)
    last: Counted = field(default_factory=dict)
    circuits: Counted = field(default_factory=dict)  # channel, provider: 1 if open
    providers: Counted = field(default_factory=dict)  # channel, provider, state: 1 if current
    failing: Counted = field(default_factory=dict)  # channel, provider: seconds of failure
    pages: Counted = field(default_factory=dict)  # page: seconds since which it cannot be polled
    shared: Sequence[tuple[str, str, str, float]] = ()  # counters: name, labels, owner, value


@dataclass(frozen=True)
class TakeMetricsSnapshot:
    """Reads the ledger; `queues` asks the broker, empty if it does not answer. `pages`: names of polled pages."""

    database: Database
    clock: Clock
    queues: QueueDepths
    providers: Providers
    pages: Collection[str] = ()

    def take(self) -> MetricsSnapshot:
        """Return the current values.

        Raises:
            UnavailableError: the database does not answer.
        """
        now = self.clock()
        with self.database.read() as connection:
            waiting = due_batches.open_batches(connection)
            incidents = gauges.incidents_by_status(connection)
            events = gauges.events_by_outcome(connection)
            notifications = gauges.notifications_by_state(connection)
            standing = alerts.current(connection)
            spending = posts.spending(connection)
            counted = counters.counted(connection)
            reached = latency.first_and_last(connection)
            shared = metrics.read(connection, now)
            apart = deliveries.oldest_due(connection, now)
            statuses = self.providers.read(connection)
            unreadable = polled_pages.unreadable(connection, self.pages)
        overdue: dict[tuple[str, ...], float] = defaultdict(float)
        for (queue, _), (_, oldest) in waiting.items():
            late = (now - oldest).total_seconds() if oldest else 0.0
            overdue[queue,] = max(overdue[queue,], late)
        if apart is not None:
            overdue[QueueName.RETRY.value,] = max(overdue[QueueName.RETRY.value,], (now - apart).total_seconds())
        return MetricsSnapshot(
            batches={key: number for key, (number, _) in waiting.items()},
            overdue=overdue,
            incidents={(status,): number for status, number in incidents.items()},
            events={(outcome,): number for outcome, number in events.items()},
            notifications=notifications,
            counters=dict(counted.items()),
            alerts={(row.key,): (now - row.since).total_seconds() for row in standing},
            posts={(account,): number for account, (number, _, _) in spending.items()},
            spent={(account,): float(dollars) for account, (_, _, dollars) in spending.items()},
            queue={(queue.value,): number for queue, number in self.queues.depths().items()},
            first={(channel.value,): first.total_seconds() for channel, (first, _) in reached.items()},
            last={(channel.value,): last.total_seconds() for channel, (_, last) in reached.items()},
            pages={(name,): (now - since).total_seconds() for name, since in unreadable.items()},
            shared=shared,
            **_by_provider(statuses, now),
        )


def _by_provider(statuses: Sequence[ProviderStatus], now: datetime) -> dict[str, Counted]:
    return {
        "circuits": {(one.channel.value, one.name): float(one.circuit.is_open) for one in statuses},
        "providers": {
            (one.channel.value, one.name, state.value): float(one.circuit.state is state)
            for one in statuses
            for state in ProviderState
        },
        "failing": {
            (one.channel.value, one.name): (now - one.circuit.since).total_seconds()
            for one in statuses
            if one.circuit.is_open and one.circuit.since is not None
        },
    }
