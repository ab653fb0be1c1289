import json

import pytest

from notifier.cli.main import run
from notifier.demo import story
from tests.functional.cli.terminal import Captured

pytestmark = pytest.mark.usefixtures("home")


def added(name: str, *more: str) -> int:
    return run(["subscribers", "add", "--id", name, "--email", f"{name}@shop.example", *more])


def test_why_somebody_was_not_told_is_explained_rule_by_rule(capsys: Captured) -> None:
    added("shop-1", "--preferences", '{"min_impact": "critical"}')
    assert run(["publish", str(story.FILE)]) == 0
    capsys.readouterr()
    ask = ["explain", "--incident", story.INCIDENT_ID, "--subscriber", "shop-1"]
    assert run(ask) == 0
    text = capsys.readouterr().out
    assert text.startswith("You were told 0 of ")
    assert "its impact was major, and you asked for critical" in text
    assert "STOP  min_impact " in text
    assert "Update upd-1 (investigating): announced by e-mail in message 1: the incident began. It has not" in text
    assert run([*ask, "--json"]) == 0
    (first, *_) = json.loads(capsys.readouterr().out)["notifications"]
    assert {rule["rule"]: rule["verdict"] for rule in first["rules"]}["min_impact"] == "stop"
    assert run([*ask[:-1], "shop-1@shop.example", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["notifications"][0] == first
    assert run(["explain", "--incident", "inc-9", "--subscriber", "shop-1"]) == 1
    assert capsys.readouterr().err.startswith("notifier: ")
    assert run([*ask[:-1], "nobody@example.com"]) == 1
    output = capsys.readouterr().err
    assert output.startswith("notifier: subscriber: names nobody we know: give the external id")
    assert "nobody@" not in output
