from datetime import timedelta

from notifier.domain.values import Channel, Status
from notifier.storage.database.engine import Database
from notifier.storage.notifications import latency
from tests.support.email_harness import Provider, build_harness, subscribe
from tests.support.pipeline_harness import START


def test_the_time_to_the_first_and_the_last_recipient_is_read_from_the_newest_notification(database: Database) -> None:
    harness = build_harness(database, Provider(), batch_size=1)
    subscribe(harness, 2)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.pipeline.plan_all()
    enqueued, harness.pipeline.tasks.attempts = harness.pipeline.tasks.attempts, []
    for step, (_, batch_id) in enumerate(item for item in enqueued if item[0] == "email"):
        harness.pipeline.now = START + timedelta(seconds=2 + step * 3)
        harness.attempt.run(batch_id)
    with database.read() as connection:
        found = latency.first_and_last(connection)
    assert found == {Channel.EMAIL: (timedelta(seconds=2), timedelta(seconds=5))}
