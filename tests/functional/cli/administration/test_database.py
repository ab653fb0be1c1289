"""The command line about the data: a schema that does not fit, a database that refuses."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from notifier.cli.main import run
from notifier.storage.database.engine import Database
from notifier.storage.schema import migrate

Captured = pytest.CaptureFixture[str]
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


def _findings(capsys: Captured) -> dict[str, dict[str, str]]:
    run(["doctor", "--json"])
    return {item["name"]: item for item in json.loads(capsys.readouterr().out)["checks"]}


def test_a_current_schema_passes_the_check(capsys: Captured) -> None:
    assert run(["db", "upgrade"]) == 0
    capsys.readouterr()
    assert run(["db", "status", "--check", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["lacking"] == []


@pytest.mark.parametrize("command", [["api"], ["worker"], ["scheduler"], ["up"], ["publish", "-"], ["db", "upgrade"]])
def test_no_process_starts_on_a_schema_that_lacks_something(capsys: Captured, ledger: Path, command: list[str]) -> None:
    run(["db", "upgrade"])
    _change(ledger, "ALTER TABLE incident_update DROP COLUMN guarded")
    capsys.readouterr()
    assert run(command) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("notifier: NOTIFIER_DATABASE_URL: the schema lacks or has otherwise")
    assert "incident_update.guarded" in errors
    assert errors.count("\n") == 1


def test_status_and_doctor_name_what_a_schema_lacks(capsys: Captured, ledger: Path) -> None:
    run(["db", "upgrade"])
    _change(ledger, "ALTER TABLE incident_update DROP COLUMN guarded")
    capsys.readouterr()
    assert run(["db", "status"]) == 0
    assert run(["db", "status", "--check"]) == 1
    assert capsys.readouterr().out.count("incident_update.guarded") == 2
    found = _findings(capsys)["database"]
    assert (found["state"], "incident_update.guarded" in found["says"]) == ("bad", True)


def test_a_database_made_before_the_first_migration_was_frozen_is_named(capsys: Captured, ledger: Path) -> None:
    ledger.parent.mkdir()
    database = Database(f"sqlite:///{ledger}")
    with database.write() as connection:
        migrate.upgrade_to(connection, "0001")
    database.close()
    _change(ledger, "ALTER TABLE incident_update DROP COLUMN guarded")
    assert run(["db", "status", "--check"]) == 1
    assert "incident_update.guarded" in capsys.readouterr().out
    found = _findings(capsys)["database"]
    assert (found["state"], "incident_update.guarded" in found["says"]) == ("bad", True)


def test_doctor_notices_what_was_changed_by_hand_and_does_no_harm(capsys: Captured, ledger: Path) -> None:
    run(["db", "upgrade"])
    capsys.readouterr()
    assert "schema" not in _findings(capsys)
    _change(ledger, "CREATE INDEX dba_wanted_it ON event (incident_id)")
    assert _findings(capsys)["schema"]["state"] == "warn"


def test_a_refusal_of_the_database_is_one_line_without_addresses(capsys: Captured, ledger: Path) -> None:
    run(["db", "upgrade"])
    refusing = "CREATE TRIGGER refuse BEFORE INSERT ON subscriber BEGIN SELECT RAISE(ABORT, 'not today'); END"
    _change(ledger, refusing)
    capsys.readouterr()
    assert run(["subscribers", "add", "--id", "shop-1", "--email", _ADDRESS]) == 1
    assert capsys.readouterr().err == "notifier: database error: not today\n"


def _add_endpoint(monkeypatch: pytest.MonkeyPatch, key: str) -> int:
    monkeypatch.setenv("NOTIFIER_SECRET_KEYS", key)
    return run(["endpoints", "add", "https://partner.example/hook", "--json"])


@pytest.mark.parametrize("command", [["api"], ["worker"], ["scheduler"], ["up"], ["endpoints", "rotate", "end_1"]])
def test_no_process_starts_with_keys_of_another_installation(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    assert _add_endpoint(monkeypatch, "o" * 40) == 0
    capsys.readouterr()
    monkeypatch.setenv("NOTIFIER_SECRET_KEYS", "n" * 40)
    assert run(command) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("notifier: NOTIFIER_SECRET_KEYS: none of the keys given belongs to this installation")
    assert errors.count("\n") == 1


def test_a_generated_key_in_an_emptied_data_folder_is_noticed(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch, ledger: Path
) -> None:
    monkeypatch.delenv("NOTIFIER_SECRET_KEYS", raising=False)
    assert run(["endpoints", "add", "https://partner.example/hook"]) == 0
    (ledger.parent / "secret-keys").unlink()
    capsys.readouterr()
    assert run(["up"]) == 2
    assert "NOTIFIER_SECRET_KEYS" in capsys.readouterr().err


def test_keys_are_rotated_to_the_end(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = "o" * 40, "n" * 40
    _add_endpoint(monkeypatch, old)
    monkeypatch.setenv("NOTIFIER_SECRET_KEYS", f"{new},{old}")
    capsys.readouterr()
    assert "is older, 1 secrets" in _findings(capsys)["secret keys"]["says"]
    assert run(["keys", "reseal", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"resealed": 1, "unreadable": []}
    assert "can be removed" in _findings(capsys)["secret keys"]["mend"]
    monkeypatch.setenv("NOTIFIER_SECRET_KEYS", new)
    assert run(["keys", "reseal"]) == 0


def test_a_lost_key_is_given_up_only_when_somebody_says_so(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    _add_endpoint(monkeypatch, "o" * 40)
    capsys.readouterr()
    monkeypatch.setenv("NOTIFIER_SECRET_KEYS", "n" * 40)
    assert run(["keys", "reseal"]) == 2
    assert run(["keys", "reseal", "--accept-loss"]) == 1
    assert "rotate that endpoint" in capsys.readouterr().out
    assert _findings(capsys)["secret keys"]["state"] == "bad"


_REAL = {"NOTIFIER_EMAIL_PROVIDERS": "smtp", "NOTIFIER_SMTP_URL": "smtp://127.0.0.1:1"}


def _stand_ins(capsys: Captured) -> str:
    run(["doctor", "--json"])
    checks = json.loads(capsys.readouterr().out)["checks"]
    return " ".join(item["says"] for item in checks if item["name"] == "stand-ins")


def test_stand_ins_beside_a_real_provider_are_named(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _stand_ins(capsys) == ""
    for name, value in _REAL.items():
        monkeypatch.setenv(name, value)
    output = _stand_ins(capsys)
    for named in ("x-nl", "reader's own machine", "components are those of the demo", "status@myonlinestore.example"):
        assert named in output
    monkeypatch.setenv("NOTIFIER_PUBLIC_URL", "http://status.shop.nl")
    assert "plain http" in _stand_ins(capsys)


def test_nothing_is_said_where_all_is_real(capsys: Captured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "notifier.toml").write_text(
        'accounts = []\n[brand]\nfrom_email = { nl = "status@shop.nl", en = "status@shop.nl" }\n'
        '[[components]]\nkey = "shop"\nname = { nl = "Winkel", en = "Shop" }\n'
    )
    for name, value in {**_REAL, "NOTIFIER_PUBLIC_URL": "https://status.shop.nl"}.items():
        monkeypatch.setenv(name, value)
    assert _stand_ins(capsys) == ""


def test_a_data_folder_that_others_may_enter_is_warned_of(capsys: Captured, ledger: Path) -> None:
    run(["db", "upgrade"])
    capsys.readouterr()
    assert "data folder" not in _findings(capsys)
    ledger.parent.chmod(0o755)
    assert _findings(capsys)["data folder"]["state"] == "warn"


def test_a_ledger_that_others_could_read_is_made_private(ledger: Path) -> None:
    run(["db", "upgrade"])
    ledger.chmod(0o644)
    run(["db", "status"])
    assert ledger.stat().st_mode & 0o777 == 0o600


def test_what_a_process_writes_is_for_its_own_user_alone(ledger: Path) -> None:
    ledger.parent.mkdir(mode=0o755)
    made = [
        sys.executable,
        "-c",
        "import os; os.umask(0o022); from notifier.cli.main import main; main(['db', 'upgrade'])",
    ]
    subprocess.run(made, check=True, capture_output=True)
    assert {path.stat().st_mode & 0o077 for path in ledger.parent.rglob("*") if path.is_file()} == {0}


def test_no_cell_of_an_export_for_spreadsheets_is_a_formula(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    run(["subscribers", "add", "--id", "shop-1", "--email", _ADDRESS, "--name", "=HYPERLINK(1)"])
    run(["subscribers", "add", "--id", "-shop-2", "--email", _ADDRESS, "--name", "Shop = 2"])
    capfdbinary.readouterr()
    run(["subscribers", "export", "--spreadsheet"])
    safe = capfdbinary.readouterr().out.decode()
    assert "'=HYPERLINK(1)" in safe
    assert "'-shop-2" in safe
    assert ",Shop = 2," in safe
    run(["subscribers", "export"])
    assert ",=HYPERLINK(1)," in capfdbinary.readouterr().out.decode()
