"""The command line about the data: a schema that does not fit, a database that refuses."""

import json
import sqlite3
from pathlib import Path

import pytest

from notifier.cli.main import run
from notifier.storage import schema
from notifier.storage.engine import Database

Said = pytest.CaptureFixture[str]
_ADDRESS = "owner@bloemenhuis.example"


@pytest.fixture(autouse=True)
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The database of the installation that commands of the test are about; it does not exist yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NOTIFIER_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data" / "notifier.sqlite3"


def _change(ledger: Path, statement: str) -> None:
    connection = sqlite3.connect(ledger)
    connection.execute(statement)
    connection.commit()
    connection.close()


def _findings(capsys: Said) -> dict[str, dict[str, str]]:
    run(["doctor", "--json"])
    return {item["name"]: item for item in json.loads(capsys.readouterr().out)["checks"]}


def test_a_current_schema_passes_the_check(capsys: Said) -> None:
    assert run(["db", "upgrade"]) == 0
    capsys.readouterr()
    assert run(["db", "status", "--check", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["lacking"] == []


@pytest.mark.parametrize("command", [["api"], ["worker"], ["scheduler"], ["up"], ["publish", "-"], ["db", "upgrade"]])
def test_no_process_starts_on_a_schema_that_lacks_something(capsys: Said, ledger: Path, command: list[str]) -> None:
    run(["db", "upgrade"])
    _change(ledger, "ALTER TABLE incident_update DROP COLUMN guarded")
    capsys.readouterr()
    assert run(command) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("notifier: NOTIFIER_DATABASE_URL: the schema lacks or has otherwise")
    assert "incident_update.guarded" in errors
    assert errors.count("\n") == 1


def test_status_and_doctor_name_what_a_schema_lacks(capsys: Said, ledger: Path) -> None:
    run(["db", "upgrade"])
    _change(ledger, "ALTER TABLE incident_update DROP COLUMN guarded")
    capsys.readouterr()
    assert run(["db", "status"]) == 0
    assert run(["db", "status", "--check"]) == 1
    assert capsys.readouterr().out.count("incident_update.guarded") == 2
    found = _findings(capsys)["database"]
    assert (found["state"], "incident_update.guarded" in found["says"]) == ("bad", True)


def test_a_database_made_before_the_first_migration_was_frozen_is_named(capsys: Said, ledger: Path) -> None:
    ledger.parent.mkdir()
    database = Database(f"sqlite:///{ledger}")
    with database.write() as connection:
        schema.upgrade_to(connection, "0001")
    database.close()
    _change(ledger, "ALTER TABLE incident_update DROP COLUMN guarded")
    assert run(["db", "status", "--check"]) == 1
    assert "incident_update.guarded" in capsys.readouterr().out
    found = _findings(capsys)["database"]
    assert (found["state"], "incident_update.guarded" in found["says"]) == ("bad", True)


def test_doctor_notices_what_was_changed_by_hand_and_does_no_harm(capsys: Said, ledger: Path) -> None:
    run(["db", "upgrade"])
    capsys.readouterr()
    assert "schema" not in _findings(capsys)
    _change(ledger, "CREATE INDEX dba_wanted_it ON event (incident_id)")
    assert _findings(capsys)["schema"]["state"] == "warn"


def test_a_refusal_of_the_database_is_one_line_without_addresses(capsys: Said, ledger: Path) -> None:
    run(["db", "upgrade"])
    refusing = "CREATE TRIGGER refuse BEFORE INSERT ON subscriber BEGIN SELECT RAISE(ABORT, 'not today'); END"
    _change(ledger, refusing)
    capsys.readouterr()
    assert run(["subscribers", "add", "--id", "shop-1", "--email", _ADDRESS]) == 1
    assert capsys.readouterr().err == "notifier: the database refused: not today\n"
