"""An audience nobody waits for is planned in the lane where it delays nothing."""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from notifier.bootstrap.api_container import ApiContainer
from notifier.bootstrap.worker import WorkerRuntime
from notifier.domain.values import Channel, QueueName
from notifier.inbound.events import parse_event
from notifier.settings import load_settings
from notifier.storage import tables as t
from tests.benchmarks.events import an_event
from tests.support.load import add_subscribers


class RecordingTaskQueue:
    """Stands where the broker would be."""

    def __init__(self) -> None:
        self.unhurried: list[int] = []
        self.queues: set[QueueName] = set()

    def plan(self, notification_id: int) -> None:
        """Leave it to the test."""

    def plan_low_priority(self, notification_id: int) -> None:
        self.unhurried.append(notification_id)

    def attempt(self, queue: QueueName, batch_ids: Sequence[int]) -> None:
        if batch_ids:
            self.queues.add(queue)

    def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
def container(tmp_path: Path) -> Iterator[ApiContainer]:
    found = ApiContainer(load_settings({"NOTIFIER_DATA_DIR": str(tmp_path / "data")}, cwd=tmp_path))
    found.__dict__["producer"] = RecordingTaskQueue()
    found.migrate()
    add_subscribers(found, 30)
    yield found
    found.close()


def mail_of(container: ApiContainer, incident: str, **changes: str) -> int:
    container.publish(parse_event(json.dumps(an_event(incident, "storefront", **changes)), now=container.clock()))
    n = t.notification.c
    with container.database.read() as connection:
        wanted = select(n.id).where(n.incident_id == incident, n.channel == Channel.EMAIL.value)
        return int(connection.execute(wanted).scalar_one())


def test_a_scheduled_maintenance_is_passed_on_and_planned_there(container: ApiContainer) -> None:
    tasks = container.__dict__["producer"]
    number = mail_of(container, "maintenance", impact="maintenance", status="scheduled")
    with closing(WorkerRuntime(container, [QueueName.CONTROL])) as runtime:
        runtime.plan(number)
    assert (tasks.unhurried, tasks.queues) == ([number], set())
    with closing(WorkerRuntime(container, [QueueName.RETRY, QueueName.BULK])) as runtime:
        assert runtime.plan_low_priority(number) == 30
    assert tasks.queues == {QueueName.BULK}


def test_news_is_planned_at_once(container: ApiContainer) -> None:
    tasks = container.__dict__["producer"]
    number = mail_of(container, "outage")
    with closing(WorkerRuntime(container, [QueueName.CONTROL])) as runtime:
        assert runtime.plan(number) == 30
    assert (tasks.unhurried, tasks.queues) == ([], {QueueName.EMAIL})
