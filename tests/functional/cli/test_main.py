"""The command line as a person uses it: exit codes, one line on stderr, JSON on demand."""

import json
from pathlib import Path

import pytest

from notifier.bootstrap.application import Application
from notifier.cli.main import run
from notifier.demo import story
from notifier.settings import load_settings
from tests.databases import *  # noqa: F403 - the fixtures, by the names their module lists
from tests.databases import PostgresqlDatabases
from tests.functional.api.house import an_event, plan_all


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NOTIFIER_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "notifier.toml").write_text("[guard]\nhold_older_than = 0\n")  # the story is of 2022


Said = pytest.CaptureFixture[str]


def said(capsys: Said) -> tuple[str, str]:
    found = capsys.readouterr()
    return found.out, found.err


def test_help_lists_every_command_of_the_contract(capsys: Said) -> None:
    assert run(["--help"]) == 0
    text, _ = said(capsys)
    commands = "up api worker scheduler demo publish preview simulate subscribers endpoints incidents deliveries"
    for command in [*commands.split(), "posts", "replay", "explain", "closure", "audit", "doctor", "db", "keys"]:
        assert f" {command} " in text


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["publish"], ["preview", "x.json"], ["worker", "--queues", "mail"]]
)
def test_wrong_usage_ends_with_2_and_one_line(capsys: Said, arguments: list[str]) -> None:
    assert run(arguments) == 2
    _, errors = said(capsys)
    assert errors.startswith("notifier: ")
    assert errors.count("\n") == 1
    assert "Traceback" not in errors


def test_an_unknown_key_in_the_configuration_is_named(capsys: Said, tmp_path: Path) -> None:
    (tmp_path / "notifier.toml").write_text("[coalesce]\nwindows = 3\n")
    assert run(["db", "status"]) == 2
    assert "coalesce.windows" in said(capsys)[1]


def test_posts_are_listed_and_a_post_nobody_knows_cannot_be_taken_back(capsys: Said) -> None:
    assert run(["posts", "list", "--json"]) == 0
    assert json.loads(said(capsys)[0]) == []
    for command in (["show", "post_9"], ["withdraw", "post_9"], ["edit", "post_9", "Other words"]):
        assert run(["posts", *command]) == 1
        assert said(capsys)[1] == "notifier: no post 'post_9'\n"


def test_an_event_is_published_once_and_shown(capsys: Said) -> None:
    assert run(["db", "upgrade"]) == 0
    said(capsys)
    assert run(["publish", str(story.FILE), "--json"]) == 0
    outcomes = [item["outcome"] for item in json.loads(said(capsys)[0])]
    assert outcomes == ["accepted"] * 6
    assert run(["publish", str(story.FILE), "--json"]) == 0
    assert {item["outcome"] for item in json.loads(said(capsys)[0])} == {"duplicate"}
    assert run(["incidents", "show", story.INCIDENT_ID, "--json"]) == 0
    shown = json.loads(said(capsys)[0])
    assert [update["id"] for update in shown["updates"]] == [f"upd-{number}" for number in range(1, 7)]


def test_a_history_is_announced_by_nobodys_mistake(capsys: Said, tmp_path: Path) -> None:
    (tmp_path / "notifier.toml").write_text("")  # the default guard
    assert run(["publish", str(story.FILE)]) == 2
    _, errors = said(capsys)
    assert errors.startswith("notifier: --yes: incidents: 1; updates: 6; 6 older than guard.hold_older_than;")
    assert "--yes" in errors
    assert "--record" in errors
    assert errors.count("\n") == 1
    assert run(["incidents", "list", "--json"]) == 0
    assert json.loads(said(capsys)[0]) == []
    assert run(["publish", str(story.FILE), "--yes", "--json"]) == 0
    printed, errors = said(capsys)
    assert {(item["outcome"], item["held"]) for item in json.loads(printed)} == {("accepted", True)}
    assert errors == "6 held for approval: see `notifier notifications held`\n"
    assert run(["publish", str(story.FILE), "--json"]) == 0  # nothing in it is new: nothing is asked


def test_a_history_can_be_recorded(capsys: Said, tmp_path: Path) -> None:
    (tmp_path / "notifier.toml").write_text("")
    assert run(["publish", str(story.FILE), "--record", "--json"]) == 0
    assert {item["outcome"] for item in json.loads(said(capsys)[0])} == {"recorded"}
    assert run(["incidents", "show", story.INCIDENT_ID, "--json"]) == 0
    updates = json.loads(said(capsys)[0])["updates"]
    assert {(item["notify"], item["visible"], item["held"]) for item in updates} == {(False, True, False)}


def test_several_incidents_in_a_file_need_a_word(capsys: Said, tmp_path: Path) -> None:
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
    assert "incidents: 2; updates: 2; recipients: email 0" in said(capsys)[1]
    (tmp_path / "one.json").write_text(json.dumps(events[0]))
    assert run(["publish", "one.json"]) == 0
    assert run(["publish", "events.json", "--json"]) == 0


def test_the_first_command_of_all_makes_the_database(capsys: Said) -> None:
    assert run(["subscribers", "add", "--id", "shop-1", "--email", "owner@shop.example"]) == 0
    assert run(["deliveries", "list", "--json"]) == 0
    assert said(capsys)[0].endswith("[]\n")


@pytest.mark.postgres
def test_a_servers_schema_is_left_to_the_operator(
    capsys: Said, monkeypatch: pytest.MonkeyPatch, postgresql_databases: PostgresqlDatabases
) -> None:
    monkeypatch.setenv("NOTIFIER_DATABASE_URL", postgresql_databases.url)
    assert run(["incidents", "list"]) == 2
    assert "NOTIFIER_DATABASE_URL: schema missing: run `notifier db upgrade`" in said(capsys)[1]


def test_bad_events_are_refused_by_field_and_nothing_is_stored(capsys: Said, tmp_path: Path) -> None:
    run(["db", "upgrade"])
    good, bad = story.events()[0], story.events()[1]
    bad["update"]["status"] = "gone"
    (tmp_path / "events.json").write_text(json.dumps([good, bad]))
    said(capsys)
    assert run(["publish", "events.json"]) == 2
    assert "update.status" in said(capsys)[1]
    run(["incidents", "list", "--json"])
    assert json.loads(said(capsys)[0]) == []


def test_a_list_keeps_its_good_rows_and_names_the_bad(capsys: Said, tmp_path: Path) -> None:
    run(["db", "upgrade"])
    rows = "external_id,email,locale\na,a@example.com,nl\nb,not-an-address,nl\nc,c@example.com,xx\n"
    (tmp_path / "list.csv").write_text(rows)
    said(capsys)
    assert run(["subscribers", "import", "list.csv", "--json"]) == 0
    report = json.loads(said(capsys)[0])
    assert (report["created"], report["rejected"]) == (1, 2)
    assert [(bad["line"], bad["errors"][0]["field"]) for bad in report["errors"]] == [(3, "email"), (4, "locale")]
    assert run(["subscribers", "show", "a"]) == 0
    assert run(["subscribers", "show", "b"]) == 1


def test_a_key_is_made_listed_and_revoked(capsys: Said) -> None:
    run(["db", "upgrade"])
    said(capsys)
    assert run(["keys", "create", "--scope", "publish", "--json"]) == 0
    made = json.loads(said(capsys)[0])
    assert made["key"].startswith("ntf_key_")
    assert run(["keys", "revoke", made["id"]]) == 0
    said(capsys)
    assert run(["keys", "list"]) == 0
    assert made["key"] not in said(capsys)[0]


@pytest.mark.parametrize(
    ("channel", "locale"),
    [("email", "nl"), ("email", "fr"), ("x", "en"), ("mastodon", "de"), ("bluesky", "fr"), ("webhook", "en")],
)
def test_a_channel_is_previewed_in_the_language_asked_for(
    capsys: Said, tmp_path: Path, channel: str, locale: str
) -> None:
    target = tmp_path / "out"
    assert run(["preview", str(story.FILE), "--channel", channel, "--locale", locale, "--out", str(target)]) == 0
    files = [path.name for path in target.iterdir()]
    assert files
    assert all((target / name).stat().st_size > 0 for name in files)


def test_simulate_says_the_same_twice(capsys: Said) -> None:
    run(["simulate", str(story.FILE), "--json"])
    first = said(capsys)[0]
    run(["simulate", str(story.FILE), "--json"])
    assert said(capsys)[0] == first
    report = json.loads(first)
    assert {item["channel"] for item in report["notifications"]} == {"email", "social", "webhook"}
    assert report["notifications"][-1]["lead_status"] == "postmortem"


def test_doctor_finds_an_empty_house_in_order(capsys: Said) -> None:
    assert run(["db", "upgrade"]) == 0
    said(capsys)
    assert run(["doctor", "--json"]) == 0
    report = json.loads(said(capsys)[0])
    assert report["ok"] is True
    assert {check["name"] for check in report["checks"]} >= {"configuration", "templates", "database", "broker"}


def test_simulate_prints_every_notification_and_two_policies_side_by_side(capsys: Said, tmp_path: Path) -> None:
    (tmp_path / "calm.toml").write_text("[coalesce]\nwindow = 86400\n")
    assert run(["simulate", str(story.FILE), "--policy", "calm.toml"]) == 0
    text, _ = said(capsys)
    present, calm = text.split("\ncalm.toml\n")
    notifications = [line for line in present.splitlines() if line.startswith("2022-")]
    assert len(notifications) == 3 * len(story.events())
    lines = [line.split() for line in calm.split("Comparison")[1].splitlines()]
    assert ["email", "notifications", "6", "3"] in lines
    assert ["webhook", "notifications", "6", "6"] in lines


def test_a_canary_without_a_listener_is_refused_and_names_the_key(capsys: Said) -> None:
    assert run(["canary"]) == 2
    assert "canary.email" in said(capsys)[1]


def test_pruning_a_young_ledger_removes_nothing(capsys: Said) -> None:
    assert run(["db", "upgrade"]) == 0
    capsys.readouterr()
    assert run(["db", "prune", "--json"]) == 0
    assert json.loads(said(capsys)[0]) == {"removed": {}}


def test_a_partner_is_added_with_everything_it_may_ask_for_and_its_log_is_listed(capsys: Said) -> None:
    asked = [
        *("--min-impact", "major", "--type", "incident.created", "--type", "incident.resolved", "--mode", "latest"),
        *(
            "--format",
            "cloudevents",
            "--owner-email",
            "ops@partner.example",
            "--header",
            "Authorization: Bearer s3cret",
        ),
        *("--signature", "ed25519"),
    ]
    # An address, so that no name is looked up; it is nobody's.
    assert run(["endpoints", "add", "https://8.8.8.8/hook", *asked, "--json"]) == 0
    text, _ = said(capsys)
    made = json.loads(text)
    assert (made["min_impact"], made["mode"], made["format"]) == ("major", "latest", "cloudevents")
    assert made["types"] == ["incident.created", "incident.resolved"]
    assert made["public_key"].startswith("whpk_")
    assert "s3cret" not in text
    assert run(["deliveries", "list", "--endpoint", made["id"], "--json"]) == 0
    assert json.loads(said(capsys)[0]) == []
    assert run(["deliveries", "list", "--endpoint", "end_none"]) == 1
    assert run(["replay", "--channel", "webhook", "--since", "2026-01-01T00:00:00Z", "--json"]) == 0
    assert json.loads(said(capsys)[0]) == {"replayed": 0}
    assert run(["endpoints", "add", "https://8.8.8.8/hook", "--header", "no colon"]) == 2


def test_closure_ends_with_0_where_there_is_no_exception_and_names_what_it_cannot_read(capsys: Said) -> None:
    assert run(["closure", "--json"]) == 0
    assert json.loads(said(capsys)[0]) == {"incidents": []}
    assert run(["closure", "--incident", "inc-9"]) == 1
    assert said(capsys)[1] == "notifier: no incident 'inc-9'\n"
    assert run(["closure", "--since", "yesterday"]) == 2
    assert "--since: must be an RFC 3339 time with an offset" in said(capsys)[1]


def test_closure_names_who_is_owed_the_end_and_for_what_it_waits(capsys: Said, tmp_path: Path) -> None:
    assert run(["subscribers", "add", "--id", "shop-1", "--email", "owner@example.com"]) == 0
    for number, status in ((1, "investigating"), (2, "resolved")):
        (tmp_path / "event.json").write_text(json.dumps(an_event(number, update={"status": status})))
        assert run(["publish", str(tmp_path / "event.json")]) == 0
        if number == 1:
            application = Application(load_settings())
            plan_all(application)
            application.close()
    said(capsys)
    assert run(["closure", "--incident", "inc-1"]) == 0
    assert "email    shop-1  waiting: its recipients are being found" in said(capsys)[0]
