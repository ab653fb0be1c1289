"""Every queue has a reader, whoever starts the workers."""

from collections import Counter

import yaml

from notifier.domain.values import QueueName
from notifier.supervise.up import LAYOUT
from tests.support.repository import ROOT
from workers.main import parse_queues

COMPOSE = ROOT / "docker-compose.yml"


def compose_layout() -> list[tuple[QueueName, ...]]:
    commands = [service.get("command", []) for service in yaml.safe_load(COMPOSE.read_text())["services"].values()]
    return [parse_queues(command[command.index("--queues") + 1]) for command in commands if command[:1] == ["worker"]]


def test_up_reads_every_queue_once() -> None:
    assert Counter(queue for queues in LAYOUT for queue in queues) == Counter(QueueName)


def test_compose_reads_every_queue_once() -> None:
    assert Counter(queue for queues in compose_layout() for queue in queues) == Counter(QueueName)


def test_both_give_fresh_news_slots_of_its_own() -> None:
    behind = {QueueName.RETRY, QueueName.BULK}
    for layout in (LAYOUT, compose_layout()):
        assert not [queues for queues in layout if behind & set(queues) and set(queues) - behind]
