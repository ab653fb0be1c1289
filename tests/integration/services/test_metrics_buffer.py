"""What processes count, on its way through the ledger to a scrape."""

from datetime import timedelta

from prometheus_client.core import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from notifier.api.state.shared_metrics import shared_families
from notifier.domain.errors import OutcomeUnknownError, UnavailableError
from notifier.domain.values import Channel, Reason, Status
from notifier.services.dispatch.record_outcome import RecordOutcome
from notifier.services.metrics_buffer import MetricsBuffer
from notifier.storage.database.engine import Database
from notifier.storage.operations import metrics
from tests.support.email_harness import Provider, build_harness, subscribe
from tests.support.pipeline_harness import START

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class Away:
    """A database that does not answer."""

    def write(self) -> None:
        raise UnavailableError("database: gone")


def scraped(database: Database, *, later: timedelta = timedelta(0)) -> Samples:
    with database.read() as connection:
        rows = metrics.read(connection, START + later)

    class Shared(Collector):
        def collect(self) -> list[Metric]:
            return list(shared_families(rows, {}))

    registry = CollectorRegistry()
    registry.register(Shared())
    text = generate_latest(registry).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_without_a_database_counts_are_kept_for_the_next_time(database: Database) -> None:
    metrics_buffer = MetricsBuffer(database, lambda: START, "host-1")
    metrics_buffer.unknown(Channel.SOCIAL)
    metrics_buffer._database = Away()  # type: ignore[assignment]  # the database goes away in the middle
    metrics_buffer.flush()
    metrics_buffer._database = database
    metrics_buffer.flush()
    metrics_buffer.flush()
    metrics_buffer.close()
    assert scraped(database)["notifier_unknown_outcomes_total", (("channel", "social"),)] == 1


def test_attempts_and_unknown_outcomes_are_counted_where_they_happen(database: Database) -> None:
    provider = Provider(faults=[lambda _: OutcomeUnknownError(Reason.OUTCOME_UNKNOWN, "time-out")])
    harness = build_harness(database, provider)
    metrics_buffer = MetricsBuffer(database, lambda: START, "host-1")
    mail = harness.attempt.channels[Channel.EMAIL]
    record = mail.record  # type: ignore[attr-defined]  # MailAttempt's
    assert isinstance(record, RecordOutcome)
    object.__setattr__(record, "metrics_sink", metrics_buffer)
    subscribe(harness, 3)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    harness.later(60)
    metrics_buffer.close()
    found = scraped(database)
    assert found["notifier_unknown_outcomes_total", (("channel", "email"),)] == 1
    outcomes = {dict(labels)["outcome"] for name, labels in found if name == "notifier_attempt_seconds_count"}
    assert outcomes == {"unknown", "accepted"}
    accepted = [
        value
        for (name, labels), value in found.items()
        if name == "notifier_deliveries_total" and ("state", "accepted") in labels
    ]
    assert accepted == [3]
