from notifier.domain.values import Channel, DeliveryState
from notifier.services.metrics_buffer import MetricsBuffer
from notifier.storage.database.engine import Database
from tests.integration.services.test_metrics_buffer import scraped
from tests.support.pipeline_harness import START


def test_counts_of_two_processes_add_up_and_a_histogram_is_cumulative(database: Database) -> None:
    one, two = (MetricsBuffer(database, lambda: START, name) for name in ("host-1", "host-2"))
    one.attempts(Channel.EMAIL, "sendgrid", "accepted", [0.2])
    one.settled(Channel.EMAIL, "sendgrid", "nl", DeliveryState.ACCEPTED, 1000)
    two.attempts(Channel.EMAIL, "sendgrid", "accepted", [700, 0.04])
    two.settled(Channel.EMAIL, "sendgrid", "nl", DeliveryState.ACCEPTED, 500)
    one.close()
    two.close()
    found = scraped(database)
    labels = (("channel", "email"), ("outcome", "accepted"), ("provider", "sendgrid"))
    assert found["notifier_deliveries_total", (*labels[:1], ("locale", "nl"), labels[2], ("state", "accepted"))] == 1500
    buckets = {dict(key)["le"]: value for (name, key), value in found.items() if name.endswith("_bucket")}
    assert (buckets["0.01"], buckets["0.1"], buckets["0.25"], buckets["60"], buckets["+Inf"]) == (0, 1, 2, 2, 3)
    assert found["notifier_attempt_seconds_count", labels] == 3
    assert round(found["notifier_attempt_seconds_sum", labels], 3) == 700.24
