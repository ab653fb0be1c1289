"""Counters of all processes on all machines, as Prometheus metrics (docs/metrics.md)."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from notifier.services.metrics_buffer import (
    ATTEMPTS,
    BREAKERS,
    BUCKET,
    BUCKETS,
    CANARY,
    DELIVERIES,
    ENDLESS,
    REFUSED_KEYS,
    SUM,
    UNKNOWN,
)
from notifier.services.operations.process_stats import FILES, MEMORY

Row = tuple[str, str, str, float]
"""Name, labels as JSON, owner, value."""

_COUNTERS = {
    DELIVERIES: ("Deliveries that came to a state.", ("channel", "provider", "locale", "state")),
    REFUSED_KEYS: ("Callers who were not let in.", ("way", "cause")),
    UNKNOWN: ("Attempts of which nobody knows whether they went through.", ("channel",)),
}
_GAUGES = {
    CANARY: ("How long the last canary took to each provider's yes.", ("channel",)),
    BREAKERS: ("Open circuit breakers.", ("channel", "provider")),
    MEMORY: ("Resident memory of each process.", ("process", "pid")),
    FILES: ("Open files of each process.", ("process", "pid")),
}
_ATTEMPT_LABELS = ("channel", "provider", "outcome")


def shared_families(rows: Sequence[Row], circuits: Mapping[tuple[str, ...], float]) -> Iterator[Metric]:
    """Convert rows to metrics. A gauge reported by several processes is their sum.

    `circuits`: the shared circuit breakers, by channel and provider.
    """
    by_name: dict[str, list[tuple[dict[str, str], str, float]]] = defaultdict(list)
    for name, labels, owner, value in rows:
        by_name[name].append((json.loads(labels), owner, value))
    for name, (text, names) in _COUNTERS.items():
        counter = CounterMetricFamily(name, text, labels=names)
        for found, _, value in by_name[name]:
            counter.add_metric([found.get(label, "") for label in names], value)
        yield counter
    for name, (text, names) in _GAUGES.items():
        summed: dict[tuple[str, ...], float] = defaultdict(float)
        for found, _, value in by_name[name]:
            summed[tuple(found.get(label, "") for label in names)] += value
        if name == BREAKERS:
            summed.update(circuits)
        gauge = GaugeMetricFamily(name, text, labels=names)
        for key, value in summed.items():
            gauge.add_metric(key, value)
        yield gauge
    yield _attempts(by_name[ATTEMPTS + BUCKET], by_name[ATTEMPTS + SUM])


def _attempts(
    buckets: Sequence[tuple[dict[str, str], str, float]], sums: Sequence[tuple[dict[str, str], str, float]]
) -> HistogramMetricFamily:
    """Make the buckets cumulative, as Prometheus requires."""
    family = HistogramMetricFamily(ATTEMPTS, "How long attempts took.", labels=_ATTEMPT_LABELS)
    counts: dict[tuple[str, ...], dict[str, float]] = defaultdict(dict)
    for found, _, value in buckets:
        counts[tuple(found[label] for label in _ATTEMPT_LABELS)][found["le"]] = value
    total = {tuple(found[label] for label in _ATTEMPT_LABELS): value for found, _, value in sums}
    for key, own in counts.items():
        running, cumulated = 0.0, []
        for most in (*(f"{bound:g}" for bound in BUCKETS), ENDLESS):
            running += own.get(most, 0.0)
            cumulated.append((most, running))
        family.add_metric(key, cumulated, sum_value=total.get(key, 0.0))
    return family
