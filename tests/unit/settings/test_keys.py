"""Keys made once per installation."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from notifier.domain.errors import ConfigError
from notifier.settings import load_settings

NEW = "n" * 32
ASK = "from notifier.settings import load_settings as l; s = l({}); print(s.admin_token().get_secret_value())"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_generated_keys_are_private_and_stay_the_same(tmp_path: Path) -> None:
    first, again = load_settings({}, cwd=tmp_path), load_settings({}, cwd=tmp_path)
    assert first.admin_token() == again.admin_token()
    assert first.secret_keys() == again.secret_keys()
    assert first.admin_token() != first.secret_keys()[0]
    assert len(first.admin_token().get_secret_value()) >= 32
    assert mode(tmp_path / "var") == 0o700
    assert mode(tmp_path / "var" / "admin-token") == mode(tmp_path / "var" / "secret-keys") == 0o600


def test_processes_that_ask_at_once_get_the_same_key(tmp_path: Path) -> None:
    asking = [
        subprocess.Popen(
            [sys.executable, "-c", ASK], cwd=tmp_path, stdout=subprocess.PIPE, env={"PYTHONPATH": str(Path.cwd())}
        )
        for _ in range(4)
    ]
    answers = {process.communicate(timeout=30)[0] for process in asking}
    assert len(answers) == 1
    assert answers.pop().strip()


def test_keys_may_be_rotated_in_the_file(tmp_path: Path) -> None:
    settings = load_settings({}, cwd=tmp_path)
    (old,) = settings.secret_keys()
    (tmp_path / "var" / "secret-keys").write_text(f"{NEW},{old.get_secret_value()}\n")
    assert [key.get_secret_value() for key in settings.secret_keys()] == [NEW, old.get_secret_value()]


def test_a_configured_token_makes_no_file(tmp_path: Path) -> None:
    load_settings({"NOTIFIER_ADMIN_TOKEN": NEW}, cwd=tmp_path).admin_token()
    assert not (tmp_path / "var").exists()


def test_a_key_file_that_somebody_filled_with_little_is_refused(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "secret-keys").write_text(f"{NEW},hunter2")
    with pytest.raises(ConfigError, match=r"NOTIFIER_SECRET_KEYS: .*at least 32") as caught:
        load_settings({}, cwd=tmp_path).secret_keys()
    assert "hunter2" not in str(caught.value)


def test_an_empty_key_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "admin-token").touch()
    with pytest.raises(ConfigError, match=r"NOTIFIER_ADMIN_TOKEN: .*is empty"):
        load_settings({}, cwd=tmp_path).admin_token()


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file in its place")
    with pytest.raises(ConfigError, match=r"NOTIFIER_DATA_DIR: .*var cannot be used"):
        load_settings({}, cwd=tmp_path).admin_token()
