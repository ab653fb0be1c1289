import json
from pathlib import Path
from typing import Any

import pytest

from notifier.cli.main import run
from notifier.demo import story
from tests.databases import *  # noqa: F403 - the fixtures, by the names their module lists
from tests.functional.cli.terminal import Captured, output

pytestmark = pytest.mark.usefixtures("home")


def test_an_event_is_published_once_and_shown(capsys: Captured) -> None:
    assert run(["db", "upgrade"]) == 0
    output(capsys)
    assert run(["publish", str(story.FILE), "--json"]) == 0
    outcomes = [item["outcome"] for item in json.loads(output(capsys)[0])]
    assert outcomes == ["accepted"] * 6
    assert run(["publish", str(story.FILE), "--json"]) == 0
    assert {item["outcome"] for item in json.loads(output(capsys)[0])} == {"duplicate"}
    assert run(["incidents", "show", story.INCIDENT_ID, "--json"]) == 0
    shown = json.loads(output(capsys)[0])
    assert [update["id"] for update in shown["updates"]] == [f"upd-{number}" for number in range(1, 7)]


def test_a_history_is_announced_by_nobodys_mistake(capsys: Captured, tmp_path: Path) -> None:
    (tmp_path / "notifier.toml").write_text("")  # the default guard
    assert run(["publish", str(story.FILE)]) == 2
    _, errors = output(capsys)
    assert errors.startswith("notifier: --yes: incidents: 1; updates: 6; 6 older than guard.hold_older_than;")
    assert "--yes" in errors
    assert "--record" in errors
    assert errors.count("\n") == 1
    assert run(["incidents", "list", "--json"]) == 0
    assert json.loads(output(capsys)[0]) == []
    assert run(["publish", str(story.FILE), "--yes", "--json"]) == 0
    printed, errors = output(capsys)
    assert {(item["outcome"], item["held"]) for item in json.loads(printed)} == {("accepted", True)}
    assert errors == "6 held for approval: see `notifier notifications held`\n"
    assert run(["publish", str(story.FILE), "--json"]) == 0  # nothing in it is new: nothing is asked


def test_a_history_can_be_recorded(capsys: Captured, tmp_path: Path) -> None:
    (tmp_path / "notifier.toml").write_text("")
    assert run(["publish", str(story.FILE), "--record", "--json"]) == 0
    assert {item["outcome"] for item in json.loads(output(capsys)[0])} == {"recorded"}
    assert run(["incidents", "show", story.INCIDENT_ID, "--json"]) == 0
    updates = json.loads(output(capsys)[0])["updates"]
    assert {(item["notify"], item["visible"], item["held"]) for item in updates} == {(False, True, False)}


def test_several_incidents_in_a_file_need_a_word(capsys: Captured, tmp_path: Path) -> None:
    events = [
        {
            "id": f"evt-{number}",
            "incident": {"id": f"inc-{number}", "title": {"en": "Trouble"}, "impact": "minor"},
            "update": {"id": "u", "status": "investigating", "body": {"en": "Looking."}},
        }
        for number in (1, 2)
    ]
    (tmp_path / "events.json").write_text(json.dumps(events))
    assert run(["publish", "events.json"]) == 2
    assert "incidents: 2; updates: 2; recipients: email 0" in output(capsys)[1]
    (tmp_path / "one.json").write_text(json.dumps(events[0]))
    assert run(["publish", "one.json"]) == 0
    assert run(["publish", "events.json", "--json"]) == 0


def test_bad_events_are_refused_by_field_and_nothing_is_stored(capsys: Captured, tmp_path: Path) -> None:
    run(["db", "upgrade"])
    good, bad = story.events()[0], story.events()[1]
    bad["update"]["status"] = "gone"
    (tmp_path / "events.json").write_text(json.dumps([good, bad]))
    output(capsys)
    assert run(["publish", "events.json"]) == 2
    assert "update.status" in output(capsys)[1]
    run(["incidents", "list", "--json"])
    assert json.loads(output(capsys)[0]) == []


OWN_PAGE = """
[guard]
hold_older_than = 0
[[components]]
key = "storefront"
name = { nl = "Webwinkel", en = "Storefront" }
[[sources]]
name = "own"
kind = "statuspage"
url = "https://status.shop.example"
languages = ["nl", "EN:"]
"""


def test_the_history_of_our_own_page_makes_the_incidents_that_its_webhooks_make(
    capsys: Captured, tmp_path: Path
) -> None:
    (tmp_path / "notifier.toml").write_text(OWN_PAGE)
    at = "2026-08-01T09:58:03.114Z"
    update = {"id": "u1", "status": "investigating", "body": "Traag.<br />EN: Slow.", "created_at": at}
    incident: dict[str, Any] = {"id": "p31z", "name": "Storing / Outage", "status": "investigating", "impact": "minor"}
    incident |= {"created_at": at, "incident_updates": [update], "components": []}
    listing = {"page": {"url": "https://status.shop.example/"}, "incidents": [incident]}
    (tmp_path / "incidents.json").write_text(json.dumps(listing))
    assert run(["publish", str(tmp_path / "incidents.json"), "--yes", "--json"]) == 0
    told = json.loads(output(capsys)[0])
    assert (told["incident_id"], told["event_id"]) == ("own.p31z", "own:p31z:u1:investigating:20260801T095803.114000Z")
    assert run(["incidents", "show", "own.p31z", "--json"]) == 0
    assert json.loads(output(capsys)[0])["updates"][0]["body"] == {"nl": "Traag.", "en": "Slow."}
