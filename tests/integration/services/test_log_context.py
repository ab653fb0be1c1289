"""One incident can be followed through the logs of all processes by its ids."""

import json
import logging
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import structlog

from notifier.domain.values import QueueName, Status
from notifier.observability import configure_logging
from notifier.storage.database.engine import Database
from tests.support.email_harness import Provider, build_harness, subscribe
from workers.policy import TaskPolicy


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.contextvars.clear_contextvars()


def test_a_workers_lines_bear_incident_notification_updates_and_batch_and_nothing_of_the_last_task(
    sqlite_database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    harness, policy = build_harness(sqlite_database, Provider()), TaskPolicy()
    subscribe(harness, 2)
    harness.pipeline.post(Status.INVESTIGATING)
    configure_logging("info", "json", process="worker-email")
    for number in harness.pipeline.tasks.plans:
        policy.run("notifier.plan", partial(harness.pipeline.plan.run, number), notification_id=number)
    (batch_id,) = [found for queue, found in harness.pipeline.tasks.attempts if queue is QueueName.EMAIL]
    policy.run("notifier.attempt_batch", lambda: harness.attempt.run(batch_id), batch_id=batch_id)
    policy.run("notifier.announce", lambda: logging.getLogger("next").warning("next task"), incident_id="inc-2")
    lines: list[dict[str, Any]] = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    sent = next(line for line in lines if line["event"] == "batch_attempted")
    (notice,) = harness.pipeline.notices()
    assert (sent["incident_id"], sent["notification"], sent["batch_id"]) == ("inc-1", notice.public_id, batch_id)
    assert (sent["updates"], sent["recipients"], sent["outcome"]) == (["upd-1"], 2, "accepted")
    planned = [line for line in lines if line["event"] == "notification_planned"]
    assert [(line["notification"], line["deliveries"]) for line in planned] == [(notice.public_id, 2)]
    last = next(line for line in lines if line["event"] == "next task")
    assert last["incident_id"] == "inc-2"
    assert not {"notification", "batch_id", "updates"} & set(last)
