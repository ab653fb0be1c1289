"""What processes count, on its way through the ledger to a scrape."""

from datetime import timedelta

from prometheus_client.core import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from notifier.api.state.shared_metrics import shared_families
from notifier.domain.errors import OutcomeUnknownError, UnavailableError
from notifier.domain.values import Channel, DeliveryState, Reason, Status
from notifier.services.dispatch.record_outcome import RecordOutcome
from notifier.services.metrics_buffer import BREAKERS, MetricsBuffer
from notifier.storage.database.engine import Database
from notifier.storage.notifications import latency
from notifier.storage.operations import metrics
from tests.mail_house import Provider, a_house, subscribe
from tests.sandbox_server import until
from tests.spine import START

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


def test_what_a_process_says_of_itself_goes_with_it(database: Database) -> None:
    labels = (("channel", "email"), ("provider", "sendgrid"))
    meterings = [MetricsBuffer(database, lambda: START, name) for name in ("host-1", "host-2")]
    for metering in meterings:
        metering.watch(lambda: {(BREAKERS, labels): 1.0})
        metering.close()
    assert scraped(database)[BREAKERS, labels] == 2
    assert (BREAKERS, labels) not in scraped(database, later=timedelta(minutes=2))


def test_a_process_says_that_it_is_there_as_soon_as_it_is(database: Database) -> None:
    metering = MetricsBuffer(database, lambda: START, "host-1")
    labels = (("channel", "email"), ("provider", "sendgrid"))
    metering.watch(lambda: {(BREAKERS, labels): 1.0})
    until(lambda: (BREAKERS, labels) in scraped(database), seconds=4)  # others come every five seconds
    metering.close()


def test_without_a_database_counts_are_kept_for_the_next_time(database: Database) -> None:
    metering = MetricsBuffer(database, lambda: START, "host-1")
    metering.unknown(Channel.SOCIAL)
    metering._database = Away()  # type: ignore[assignment]  # the database goes away in the middle
    metering.flush()
    metering._database = database
    metering.flush()
    metering.flush()
    metering.close()
    assert scraped(database)["notifier_unknown_outcomes_total", (("channel", "social"),)] == 1


def test_attempts_and_unknown_outcomes_are_counted_where_they_happen(database: Database) -> None:
    provider = Provider(faults=[lambda _: OutcomeUnknownError(Reason.OUTCOME_UNKNOWN, "time-out")])
    house = a_house(database, provider)
    metering = MetricsBuffer(database, lambda: START, "host-1")
    mail = house.attempt.channels[Channel.EMAIL]
    record = mail.record  # type: ignore[attr-defined]  # MailAttempt's
    assert isinstance(record, RecordOutcome)
    object.__setattr__(record, "meter", metering)
    subscribe(house, 3)
    house.spine.post(Status.INVESTIGATING)
    house.work()
    house.later(60)
    metering.close()
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


def test_the_time_to_the_first_and_the_last_recipient_is_read_from_the_newest_notification(database: Database) -> None:
    house = a_house(database, Provider(), batch_size=1)
    subscribe(house, 2)
    house.spine.post(Status.INVESTIGATING)
    house.spine.plan_all()
    nudged, house.spine.nudges.attempts = house.spine.nudges.attempts, []
    for step, (_, batch_id) in enumerate(item for item in nudged if item[0] == "email"):
        house.spine.now = START + timedelta(seconds=2 + step * 3)
        house.attempt(batch_id)
    with database.read() as connection:
        found = latency.first_and_last(connection)
    assert found == {Channel.EMAIL: (timedelta(seconds=2), timedelta(seconds=5))}
