"""Prometheus metrics: what this process counts, and what it reads from the database on a scrape.

Anyone may scrape, so a reading is shared for a few seconds and callers cannot create labels.
"""

import time
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from notifier.api.state.shared_metrics import shared_families
from notifier.domain.errors import UnavailableError
from notifier.services.operations.metrics_snapshot import Counted, MetricsSnapshot
from notifier.storage.operations.counters import MAIL_CONFIRMED, MAIL_REPEATED, MAIL_UNKNOWN

_PROVIDER_LABELS = ("channel", "provider")
_STATE_LABELS = (*_PROVIDER_LABELS, "state")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
LEDGER_SECONDS = 5.0


class LedgerCollector(Collector):
    """Reads the database on a scrape, at most every few seconds; reports an outage as a metric."""

    def __init__(self, read: Callable[[], MetricsSnapshot], clock: Callable[[], float] = time.monotonic) -> None:
        self._read, self._clock = read, clock
        self._readings: MetricsSnapshot | None = None
        self._until = float("-inf")

    def describe(self) -> Iterable[Metric]:
        """Return nothing: registering must not read the database."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield the readings as metrics."""
        if self._clock() >= self._until:
            try:
                self._readings = self._read()
            except UnavailableError:
                self._readings = None
            self._until = self._clock() + LEDGER_SECONDS
        up = float(self._readings is not None)
        yield GaugeMetricFamily("notifier_database_up", "Whether the database answered.", value=up)
        if self._readings is not None:
            yield from _families(self._readings)


def _families(found: MetricsSnapshot) -> Iterator[Metric]:
    yield _family("notifier_batches", "Open batches.", ("lane", "state"), found.batches)
    yield _family("notifier_batch_overdue_seconds", "How long the oldest due batch waits.", ("lane",), found.overdue)
    yield _family("notifier_incidents", "Incidents.", ("status",), found.incidents)
    yield _family("notifier_events_known", "Events in the ledger, however they came.", ("outcome",), found.events)
    yield _family("notifier_notifications", "Notifications.", ("channel", "state"), found.notifications)
    yield from _counter_families(found.counters)
    yield _family("notifier_alarm_seconds", "Since when something needs a person.", ("alarm",), found.alerts)
    yield _family("notifier_posts", "Posts published.", ("account",), found.posts)
    yield _family("notifier_posts_usd", "What a platform charged for posts, US dollars.", ("account",), found.spent)
    yield _family("notifier_queue_messages", "Messages waiting in the broker.", ("lane",), found.queue)
    first, last = "From the newest decision to its first recipient.", "From the newest decision to its last recipient."
    yield _family("notifier_first_recipient_seconds", first, ("channel",), found.first)
    yield _family("notifier_last_recipient_seconds", last, ("channel",), found.last)
    yield _family("notifier_provider_state", "1 for the state a provider is in.", _STATE_LABELS, found.providers)
    failing = "Since when a provider fails or is stopped."
    yield _family("notifier_provider_failing_since_seconds", failing, _PROVIDER_LABELS, found.failing)
    unread = "Since when another provider's page cannot be polled."
    yield _family("notifier_page_unreadable_since_seconds", unread, ("page",), found.pages)
    yield from shared_families(found.shared, found.circuits)


# Recipients, by provider: the outcome of mails whose request got no answer.
_TALLIED = {
    MAIL_UNKNOWN: "Recipients of whom nobody knows whether the provider took their mail.",
    MAIL_CONFIRMED: "Recipients of whom the provider's events told so afterwards.",
    MAIL_REPEATED: "Recipients written to again without such evidence, by first and second provider.",
}


def _counter_families(found: Counted) -> Iterator[Metric]:
    for name, text in _TALLIED.items():
        family = CounterMetricFamily(f"notifier_{name}_recipients", text, labels=("provider",))
        for (own, label), number in found.items():
            if own == name:
                family.add_metric((label,), number)
        yield family


def _family(name: str, text: str, labels: tuple[str, ...], values: Counted) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


class RequestMetrics:
    """One registry per application, so that several can share a process (tests)."""

    def __init__(self, read: Callable[[], MetricsSnapshot], clock: Callable[[], float] = time.monotonic) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._registry.register(LedgerCollector(read, clock))
        registry = self._registry
        self.in_flight = Gauge("notifier_http_requests_in_flight", "Requests being answered.", registry=registry)
        self.connections = Gauge("notifier_http_connections", "Connections open.", registry=registry)
        self._dropped = Counter(
            "notifier_http_connections_dropped",
            "Connections closed to make room.",
            ("reason",),
            registry=registry,
        )
        self._requests = Counter(
            "notifier_http_requests", "Requests answered.", ("method", "route", "status"), registry=registry
        )
        self._seconds = Histogram(
            "notifier_http_request_seconds", "Time to answer.", ("route",), buckets=_BUCKETS, registry=registry
        )
        self._events = Counter("notifier_events", "Events taken in.", ("source", "outcome"), registry=registry)
        reused = "Events under the id of another one, with other content: nothing was changed."
        self._reused = Counter("notifier_event_ids_reused", reused, registry=registry)
        self._feedback = Counter("notifier_provider_events", "Events of mail providers.", ("kind",), registry=registry)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        self._requests.labels(method if method in _METHODS else "other", route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def dropped(self, reason: str) -> None:
        """Count a dropped connection by reason (`connections.py`, `protocol.py`)."""
        self._dropped.labels(reason).inc()

    def event(self, source: str, outcome: str) -> None:
        """Count an event by source (`api`, `statuspage`, `alertmanager`) and outcome."""
        self._events.labels(source, outcome).inc()

    def reused_id(self) -> None:
        """Count an event whose id was used before with other content."""
        self._reused.inc()

    def feedback(self, kind: str, number: int) -> None:
        """Count events of a mail provider."""
        self._feedback.labels(kind).inc(number)

    def text(self) -> bytes:
        """Return all metrics in Prometheus text format; may read the database."""
        return generate_latest(self._registry)
