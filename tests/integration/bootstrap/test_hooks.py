"""What a worker has ready before its first batch comes."""

import threading
from pathlib import Path

import pytest

from notifier.bootstrap.api_container import ApiContainer
from notifier.bootstrap.worker import WorkerRuntime
from notifier.domain.values import QueueName
from notifier.settings import load_settings
from notifier.storage.schema import migrate
from tests.contract.channels.webhook.receivers import wait_until


@pytest.mark.parametrize(("queue", "expected"), [(QueueName.WEBHOOK, {"webhook-engine"}), (QueueName.EMAIL, set())])
def test_a_worker_of_webhooks_starts_its_engine_by_itself(tmp_path: Path, queue: QueueName, expected: set[str]) -> None:
    before = set(threading.enumerate())

    def threads() -> set[str]:
        return {thread.name for thread in threading.enumerate() if thread not in before}

    container = ApiContainer(load_settings({"NOTIFIER_DATA_DIR": str(tmp_path / "data")}, cwd=tmp_path))
    migrate.upgrade(container.database)
    runtime = WorkerRuntime(container, [queue])
    wait_until(lambda: "warm-up" not in threads())
    assert threads() & {"webhook-engine"} == expected
    runtime.close()
    assert "webhook-engine" not in threads()
    container.close()
