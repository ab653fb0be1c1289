"""Publishing by the command line on top of what colleagues wrote, and who is named as the author."""

import getpass
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from notifier.cli.main import run
from notifier.demo import story

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NOTIFIER_DATA_DIR", str(tmp_path / "data"))


def a_file(*numbers: int, after: str | None = None) -> str:
    """Write events of the story, as of now, into a file; returns its name."""
    chosen = []
    for number in numbers:
        event = story.events()[number - 1]
        event["update"]["posted_at"] = (datetime.now(UTC) + timedelta(seconds=number)).isoformat()
        event["incident"]["started_at"] = event["update"]["posted_at"]
        chosen.append(event | ({"after": after} if after else {}))
    Path("events.json").write_text(json.dumps(chosen), encoding="utf-8")
    return "events.json"


def shown(capsys: Captured, *command: str) -> Any:
    capsys.readouterr()
    assert run([*command, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def updates(capsys: Captured) -> list[str]:
    return [item["id"] for item in shown(capsys, "incidents", "show", story.INCIDENT_ID)["updates"]]


def test_an_outdated_event_ends_with_1_and_one_line_that_names_the_newest_update(capsys: Captured) -> None:
    assert run(["publish", a_file(1, 2)]) == 0
    for in_file, options in (("upd-1", []), (None, ["--after", "upd-1"])):
        capsys.readouterr()
        assert run(["publish", a_file(3, after=in_file), *options]) == 1
        line = capsys.readouterr().err
        assert line.startswith("notifier: event ")
        assert line.count("\n") == 1
        assert "'upd-2'" in line
        assert f"cli:{getpass.getuser()}" in line
    assert updates(capsys) == ["upd-1", "upd-2"]
    assert run(["publish", a_file(3), "--after", "upd-2"]) == 0
    assert updates(capsys) == ["upd-1", "upd-2", "upd-3"]


def test_a_refused_event_of_a_file_says_how_many_are_in(capsys: Captured) -> None:
    run(["publish", a_file(1)])
    Path("events.json").write_text(
        json.dumps(
            [json.loads(Path(a_file(2)).read_text())[0], json.loads(Path(a_file(3, after="upd-1")).read_text())[0]]
        )
    )
    capsys.readouterr()
    assert run(["publish", "events.json"]) == 1
    assert "Events published before it: 1." in capsys.readouterr().err
    assert updates(capsys) == ["upd-1", "upd-2"]


def test_after_goes_with_one_event_and_an_update_that_is_there(capsys: Captured) -> None:
    assert run(["publish", a_file(1, 2), "--after", "upd-1"]) == 2
    assert "--after: needs a file with one event; this one has 2" in capsys.readouterr().err
    assert run(["publish", a_file(1), "--after", "upd-1"]) == 2
    assert "after: names no update of this incident" in capsys.readouterr().err
    assert shown(capsys, "incidents", "list") == []


def test_the_timeline_the_audit_trail_and_explain_name_who_is_at_the_terminal(capsys: Captured) -> None:
    me = f"cli:{getpass.getuser()}"
    assert run(["subscribers", "add", "--id", "shop-1", "--email", "owner@shop.example"]) == 0
    assert run(["publish", a_file(1)]) == 0
    (update,) = shown(capsys, "incidents", "show", story.INCIDENT_ID)["updates"]
    assert update["author"] == me
    (entry,) = shown(capsys, "audit", "list", "--kind", "event")
    assert (entry["actor"], entry["action"]) == (me, "event.published")
    explain = ["explain", "--incident", story.INCIDENT_ID, "--subscriber", "shop-1"]
    (told,) = shown(capsys, *explain)["updates"]
    assert told["author"] == me
    assert me not in told["words"]  # they may be sent on to the subscriber
    assert run(explain) == 0
    assert f"published by {me}" in capsys.readouterr().out


def test_a_key_can_end_by_itself(capsys: Captured) -> None:
    for text in ("90d", "12h", (datetime.now(UTC) + timedelta(days=2)).date().isoformat(), "2999-01-01T00:00:00+01:00"):
        made = shown(capsys, "keys", "create", "--scope", "read", "--expires", text)
        assert datetime.fromisoformat(made["expires_at"]) > datetime.now(UTC)
    assert all(item["expires_at"] and "last_used_at" in item for item in shown(capsys, "keys", "list"))
    for wrong in ("soon", "90", "2020-01-01", "0001-01-01T00:00:00+14:00"):
        assert run(["keys", "create", "--scope", "read", "--expires", wrong]) == 2
        assert "expires: " in capsys.readouterr().err
    assert run(["keys", "create", "--scope", "read", "--name", "admin"]) == 2
    assert "name: is reserved" in capsys.readouterr().err
