"""Subscribers and the audit trail at the command line."""

import json
from pathlib import Path

import pytest

from notifier.cli.main import run
from tests.functional.cli.terminal import Captured

NIGHT = {"quiet_hours": {"from": "22:00", "to": "07:00"}, "max_per_hour": 3}

pytestmark = pytest.mark.usefixtures("home")


def added(name: str, *more: str) -> int:
    return run(["subscribers", "add", "--id", name, "--email", f"{name}@shop.example", *more])


def test_a_subscriber_is_added_changed_listed_and_erased_and_the_trail_tells(capsys: Captured) -> None:
    assert added("shop-1", "--kind", "follower", "--locale", "nl", "--preferences", json.dumps(NIGHT)) == 0
    assert added("shop-2") == 0
    capsys.readouterr()
    assert run(["subscribers", "change", "shop-1", '{"preferences": {"min_impact": "major"}}', "--json"]) == 0
    changed = json.loads(capsys.readouterr().out)
    assert changed["preferences"]["min_impact"] == "major"
    assert changed["preferences"]["quiet_hours"] == NIGHT["quiet_hours"]
    assert run(["subscribers", "list", "--kind", "follower", "--json"]) == 0
    assert [item["external_id"] for item in json.loads(capsys.readouterr().out)] == ["shop-1"]
    assert run(["subscribers", "list"]) == 0
    assert capsys.readouterr().out.count("\n") == 3
    assert run(["subscribers", "remove", "shop-2"]) == 0
    capsys.readouterr()
    assert run(["audit", "list", "--kind", "subscriber", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert [entry["action"] for entry in entries] == [
        "subscriber.erased",
        "subscriber.changed",
        "subscriber.created",
        "subscriber.created",
    ]
    assert all(entry["actor"].startswith("cli:") and entry["origin"] for entry in entries)
    assert run(["audit", "list", "--id", "shop-1"]) == 0
    assert "subscriber.changed" in capsys.readouterr().out


def test_what_is_no_json_object_is_refused_by_name(capsys: Captured) -> None:
    added("shop-1")
    capsys.readouterr()
    assert run(["subscribers", "change", "shop-1", "min_impact=major"]) == 2
    assert capsys.readouterr().err == "notifier: MEMBERS: must be a JSON object\n"


def test_every_column_of_a_list_comes_back(capsys: Captured, tmp_path: Path) -> None:
    added("shop-1", "--preferences", json.dumps(NIGHT))
    capsys.readouterr()
    assert run(["subscribers", "export", "--every-column"]) == 0
    text = capsys.readouterr().out
    assert "22:00,07:00,3" in text
    (tmp_path / "list.csv").write_text(text, encoding="utf-8")
    assert run(["subscribers", "import", "list.csv", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["unchanged"] == 1
