"""The blast guard at the command line."""

import json
from pathlib import Path

import pytest

from notifier.cli.main import run
from notifier.demo import story


def test_what_the_guard_holds_is_listed_released_and_called_off(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NOTIFIER_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "notifier.toml").write_text("[guard]\nhold_above = 1\nhold_older_than = 0\n")
    assert run(["db", "upgrade"]) == 0
    (tmp_path / "first.json").write_text(json.dumps(story.events()[0]))
    capsys.readouterr()
    assert run(["publish", "first.json"]) == 0
    capsys.readouterr()
    assert run(["notifications", "held", "--json"]) == 0
    (posts,) = json.loads(capsys.readouterr().out)  # two accounts are more than one recipient
    assert (posts["channel"], posts["state"]) == ("social", "held")
    assert run(["notifications", "release", posts["id"]]) == 0
    assert capsys.readouterr().out == f"{posts['id']} is planning\n"
    assert run(["notifications", "cancel", posts["id"]]) == 1
    assert capsys.readouterr().err == f"notifier: notification {posts['id']} is not held\n"
