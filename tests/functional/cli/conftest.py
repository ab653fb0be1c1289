from pathlib import Path

import pytest


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to run commands in, with a data folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NOTIFIER_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "notifier.toml").write_text("[guard]\nhold_older_than = 0\n")  # the story is of 2022
    return tmp_path
