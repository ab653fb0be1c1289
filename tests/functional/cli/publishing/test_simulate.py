import json
from pathlib import Path

import pytest

from notifier.cli.main import run
from notifier.demo import story
from tests.databases import *  # noqa: F403 - the fixtures, by the names their module lists
from tests.functional.cli.terminal import Captured, output

pytestmark = pytest.mark.usefixtures("home")


def test_simulate_says_the_same_twice(capsys: Captured) -> None:
    run(["simulate", str(story.FILE), "--json"])
    first = output(capsys)[0]
    run(["simulate", str(story.FILE), "--json"])
    assert output(capsys)[0] == first
    report = json.loads(first)
    assert {item["channel"] for item in report["notifications"]} == {"email", "social", "webhook"}
    assert report["notifications"][-1]["lead_status"] == "postmortem"


def test_simulate_prints_every_notification_and_two_policies_side_by_side(capsys: Captured, tmp_path: Path) -> None:
    (tmp_path / "calm.toml").write_text("[coalesce]\nwindow = 86400\n")
    assert run(["simulate", str(story.FILE), "--policy", "calm.toml"]) == 0
    text, _ = output(capsys)
    present, calm = text.split("\ncalm.toml\n")
    notifications = [line for line in present.splitlines() if line.startswith("2022-")]
    assert len(notifications) == 3 * len(story.events())
    lines = [line.split() for line in calm.split("Comparison")[1].splitlines()]
    assert ["email", "notifications", "6", "3"] in lines
    assert ["webhook", "notifications", "6", "6"] in lines
