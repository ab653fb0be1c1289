from typing import Any

import pytest

from notifier.domain.values import Status
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import webhook_batches
from tests.support.fake_endpoints import EndpointHarness, endpoint_harness


def received(harness: EndpointHarness, name: str) -> list[tuple[str, int]]:
    """Return incident and sequence of what an endpoint took, in order."""
    data = [message["data"] for message in harness.received(name)]
    return [(each["incident"]["id"], each["sequence"]) for each in data]


def test_a_message_that_begins_to_wait_just_as_the_earlier_one_ends_does_not_wait_for_a_minute(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = endpoint_harness(database)
    harness.endpoint("partner")
    harness.pipeline.post(Status.INVESTIGATING)
    harness.pipeline.plan_all()
    harness.pipeline.post(Status.IDENTIFIED)
    harness.pipeline.plan_all()
    first, second = (number for _, number in harness.pipeline.tasks.attempts)
    harness.pipeline.tasks.attempts.clear()
    looked: list[int] = []
    look = webhook_batches.around

    def overtaken(connection: Any, stored: Any, batch_id: int) -> Any:
        found = look(connection, stored, batch_id)
        looked.append(batch_id)
        return found

    monkeypatch.setattr(webhook_batches, "around", overtaken)
    write = database.write

    def after_the_first() -> Any:
        """Let the first message be told between the second one's look and its departure."""
        if looked == [second]:
            monkeypatch.setattr(database, "write", write)
            harness.attempt.run(first)
        return write()

    monkeypatch.setattr(database, "write", after_the_first)
    harness.attempt.run(second)
    harness.work()
    assert received(harness, "partner") == [("inc-1", 1), ("inc-1", 2)]
