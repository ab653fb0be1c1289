from datetime import timedelta

from notifier.services.metrics_buffer import BREAKERS, MetricsBuffer
from notifier.storage.database.engine import Database
from tests.integration.services.test_metrics_buffer import scraped
from tests.sandbox_server import until
from tests.support.pipeline_harness import START


def test_what_a_process_says_of_itself_goes_with_it(database: Database) -> None:
    labels = (("channel", "email"), ("provider", "sendgrid"))
    meterings = [MetricsBuffer(database, lambda: START, name) for name in ("host-1", "host-2")]
    for metrics_buffer in meterings:
        metrics_buffer.watch(lambda: {(BREAKERS, labels): 1.0})
        metrics_buffer.close()
    assert scraped(database)[BREAKERS, labels] == 2
    assert (BREAKERS, labels) not in scraped(database, later=timedelta(minutes=2))


def test_a_process_says_that_it_is_there_as_soon_as_it_is(database: Database) -> None:
    metrics_buffer = MetricsBuffer(database, lambda: START, "host-1")
    labels = (("channel", "email"), ("provider", "sendgrid"))
    metrics_buffer.watch(lambda: {(BREAKERS, labels): 1.0})
    until(lambda: (BREAKERS, labels) in scraped(database), seconds=4)  # others come every five seconds
    metrics_buffer.close()
