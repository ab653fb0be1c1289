"""What is due in the database is found without the broker, and no batch is enqueued twice at once."""

from datetime import timedelta

import pytest

from notifier.domain.values import QueueName, Status
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import batches, due_batches
from tests.support.pipeline_harness import Pipeline

SECOND = timedelta(seconds=1)


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    """A pipeline with one mail batch that waits for its first attempt."""
    made = Pipeline(database)
    made.subscriber("anna")
    made.post(Status.INVESTIGATING)
    made.plan_all()
    return made


def test_batch_is_enqueued_again_only_when_its_task_counts_as_lost(pipeline: Pipeline) -> None:
    now = pipeline.now
    (waiting,) = [batch_id for queue, batch_id in pipeline.tasks.attempts if queue is QueueName.EMAIL]

    def enqueue(after: timedelta, enqueued_before: timedelta) -> list[int]:
        with pipeline.database.write() as connection:
            return due_batches.due_for_enqueue(
                connection, QueueName.EMAIL, now=now + after, enqueued_before=now + enqueued_before, limit=10
            )

    assert enqueue(SECOND, 60 * SECOND) == [waiting]
    assert enqueue(2 * SECOND, SECOND) == []
    assert enqueue(60 * SECOND, 30 * SECOND) == [waiting]


def test_claimed_batch_is_open_but_no_longer_due(pipeline: Pipeline) -> None:
    now, since = pipeline.now, pipeline.now - 60 * SECOND
    (waiting,) = [batch_id for queue, batch_id in pipeline.tasks.attempts if queue is QueueName.EMAIL]
    with pipeline.database.write() as connection:
        assert due_batches.queues_with_due(connection, now) == [QueueName.EMAIL]
        assert due_batches.has_first_attempts_due(connection, since=since, now=now)
        assert due_batches.open_batches(connection) == {("email", "queued"): (1, now)}
        batches.claim(connection, waiting, owner="worker", now=now, lease=10 * SECOND)
        assert due_batches.queues_with_due(connection, now) == []
        assert not due_batches.has_first_attempts_due(connection, since=since, now=now)
        assert due_batches.open_batches(connection) == {("email", "sending"): (1, now + 10 * SECOND)}
