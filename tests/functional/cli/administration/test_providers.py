"""Providers that fail, at the command line."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from notifier.cli.main import run
from notifier.demo import story
from notifier.domain.errors import ChannelStoppedError
from notifier.domain.providers.breaker import CLOSED
from notifier.domain.values import Channel, Reason
from notifier.storage.database.engine import Database
from notifier.storage.operations import alerts, provider_states

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def harness(capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """An installation whose X account was stopped."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NOTIFIER_DATA_DIR", str(tmp_path / "data"))
    assert run(["db", "upgrade"]) == 0
    capsys.readouterr()
    (file,) = (tmp_path / "data").glob("*.sqlite3")
    database = Database(f"sqlite:///{file}")
    now, error = datetime.now(UTC), ChannelStoppedError(Reason.AUTH, "[revoked] for :x: now", status=403)
    with database.write() as connection:
        provider_states.save(connection, Channel.SOCIAL, "x-nl", CLOSED.after_failure(error, now))
        alerts.raise_(connection, "social:x:x-nl", error.reason, error.detail, now)
    return database


def test_providers_are_listed_with_how_they_stand(harness: Database, capsys: Captured) -> None:
    assert run(["providers", "--json"]) == 0
    found = {item["name"]: item for item in json.loads(capsys.readouterr().out)}
    assert {name: item["state"] for name, item in found.items()} == {"sandbox": "ok", "x-nl": "stopped", "x-en": "ok"}
    assert run(["providers"]) == 0
    text = capsys.readouterr().out
    assert "X account x-nl" in text
    assert "notifier deliveries retry --provider x-nl" in text
    harness.close()


def test_doctor_calls_a_stopped_account_by_a_name_that_people_read(harness: Database, capsys: Captured) -> None:
    assert run(["doctor"]) == 1
    text = capsys.readouterr().out
    assert "X account x-nl stopped since" in text
    assert "[revoked] for :x: now" in text
    harness.close()


def test_progress_and_retry_work_without_a_server(harness: Database, capsys: Captured, tmp_path: Path) -> None:
    (tmp_path / "first.json").write_text(json.dumps(story.events()[0]))
    assert run(["publish", "first.json", "--yes"]) == 0
    capsys.readouterr()
    assert run(["incidents", "progress", story.INCIDENT_ID, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["channels"]) == {"email", "social", "webhook"}
    assert run(["incidents", "progress", story.INCIDENT_ID]) == 0
    assert "waiting" in capsys.readouterr().out
    assert run(["deliveries", "retry", "--provider", "x-nl", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"count": 0}
    assert run(["deliveries", "retry", "--provider", "nobody"]) == 1
    assert capsys.readouterr().err == "notifier: no provider 'nobody'\n"
    assert run(["deliveries", "retry"]) == 2
    assert "name exactly one" in capsys.readouterr().err
    harness.close()
