"""Every queue has a reader, whoever starts the workers."""

from collections import Counter
from pathlib import Path

import yaml

from notifier.domain.values import Lane
from notifier.supervise.up import LAYOUT
from workers.main import parse_lanes

COMPOSE = Path(__file__).parents[3] / "docker-compose.yml"


def compose_layout() -> list[tuple[Lane, ...]]:
    commands = [service.get("command", []) for service in yaml.safe_load(COMPOSE.read_text())["services"].values()]
    return [parse_lanes(command[command.index("--queues") + 1]) for command in commands if command[:1] == ["worker"]]


def test_up_reads_every_queue_once() -> None:
    assert Counter(lane for lanes in LAYOUT for lane in lanes) == Counter(Lane)


def test_compose_reads_every_queue_once() -> None:
    assert Counter(lane for lanes in compose_layout() for lane in lanes) == Counter(Lane)


def test_both_give_fresh_news_slots_of_its_own() -> None:
    behind = {Lane.RETRY, Lane.BULK}
    for layout in (LAYOUT, compose_layout()):
        assert not [lanes for lanes in layout if behind & set(lanes) and set(lanes) - behind]
