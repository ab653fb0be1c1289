"""The command line as a person uses it: exit codes, one line on stderr, JSON on demand."""

import json
from pathlib import Path

import pytest

from notifier.cli.main import run
from tests.databases import *  # noqa: F403 - the fixtures, by the names their module lists
from tests.databases import PostgresqlDatabases
from tests.functional.cli.terminal import Captured, output

pytestmark = pytest.mark.usefixtures("home")


def test_help_lists_every_command_of_the_contract(capsys: Captured) -> None:
    assert run(["--help"]) == 0
    text, _ = output(capsys)
    commands = "up api worker scheduler demo publish preview simulate subscribers endpoints incidents deliveries"
    for command in [*commands.split(), "posts", "replay", "explain", "closure", "audit", "doctor", "db", "keys"]:
        assert f" {command} " in text


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["publish"], ["preview", "x.json"], ["worker", "--queues", "mail"]]
)
def test_wrong_usage_ends_with_2_and_one_line(capsys: Captured, arguments: list[str]) -> None:
    assert run(arguments) == 2
    _, errors = output(capsys)
    assert errors.startswith("notifier: ")
    assert errors.count("\n") == 1
    assert "Traceback" not in errors


def test_an_unknown_key_in_the_configuration_is_named(capsys: Captured, tmp_path: Path) -> None:
    (tmp_path / "notifier.toml").write_text("[coalesce]\nwindows = 3\n")
    assert run(["db", "status"]) == 2
    assert "coalesce.windows" in output(capsys)[1]


def test_the_first_command_of_all_makes_the_database(capsys: Captured) -> None:
    assert run(["subscribers", "add", "--id", "shop-1", "--email", "owner@shop.example"]) == 0
    assert run(["deliveries", "list", "--json"]) == 0
    assert output(capsys)[0].endswith("[]\n")


@pytest.mark.postgres
def test_a_servers_schema_is_left_to_the_operator(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch, postgresql_databases: PostgresqlDatabases
) -> None:
    monkeypatch.setenv("NOTIFIER_DATABASE_URL", postgresql_databases.url)
    assert run(["incidents", "list"]) == 2
    assert "NOTIFIER_DATABASE_URL: schema missing: run `notifier db upgrade`" in output(capsys)[1]


def test_pruning_a_young_ledger_removes_nothing(capsys: Captured) -> None:
    assert run(["db", "upgrade"]) == 0
    capsys.readouterr()
    assert run(["db", "prune", "--json"]) == 0
    assert json.loads(output(capsys)[0]) == {"removed": {}}


def test_a_partner_is_added_with_everything_it_may_ask_for_and_its_log_is_listed(capsys: Captured) -> None:
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
    text, _ = output(capsys)
    made = json.loads(text)
    assert (made["min_impact"], made["mode"], made["format"]) == ("major", "latest", "cloudevents")
    assert made["types"] == ["incident.created", "incident.resolved"]
    assert made["public_key"].startswith("whpk_")
    assert "s3cret" not in text
    assert run(["deliveries", "list", "--endpoint", made["id"], "--json"]) == 0
    assert json.loads(output(capsys)[0]) == []
    assert run(["deliveries", "list", "--endpoint", "end_none"]) == 1
    assert run(["replay", "--channel", "webhook", "--since", "2026-01-01T00:00:00Z", "--json"]) == 0
    assert json.loads(output(capsys)[0]) == {"replayed": 0}
    assert run(["endpoints", "add", "https://8.8.8.8/hook", "--header", "no colon"]) == 2
