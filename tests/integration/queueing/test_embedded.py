"""The embedded server through everything that happens to servers."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from notifier.domain.errors import ConfigError
from notifier.files import file_lock
from notifier.queueing import embedded
from notifier.queueing.addresses import embedded_url, socket_path
from notifier.queueing.broker import redis_client
from notifier.queueing.server import Server, ServerHealth

ENSURE = """
import sys
import time
from pathlib import Path
from notifier.queueing import embedded
print(embedded.ensure(Path(sys.argv[1])), flush=True)
"""
THEN_WAIT = ENSURE + "sys.stdin.read()"


def server_of(data_dir: Path) -> Server:
    return Server(home=data_dir.resolve() / "redis", socket=socket_path(data_dir))


def pid_of(data_dir: Path) -> int:
    return int((data_dir / "redis" / "server.pid").read_text())


def put(data_dir: Path, key: str, value: str) -> None:
    with redis_client(embedded_url(data_dir)) as client:
        client.set(key, value)


def get(data_dir: Path, key: str) -> object:
    with redis_client(embedded_url(data_dir)) as client:
        return client.get(key)


def test_asking_twice_starts_one_server(data_dir: Path) -> None:
    assert embedded.ensure(data_dir) == embedded_url(data_dir)
    first = pid_of(data_dir)
    embedded.ensure(data_dir)
    assert pid_of(data_dir) == first


def test_it_listens_on_no_port_and_its_folder_is_private(data_dir: Path) -> None:
    embedded.ensure(data_dir)
    with redis_client(embedded_url(data_dir)) as client:
        assert client.config_get("port") == {"port": "0"}
        assert client.config_get("appendonly") == {"appendonly": "yes"}
    assert [(data_dir / name).stat().st_mode & 0o077 for name in (".", "redis", "run")] == [0, 0, 0]


def test_a_server_that_outlived_its_killed_parent_is_adopted(data_dir: Path, child_environ: dict[str, str]) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", THEN_WAIT, str(data_dir)],
        env=child_environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with parent:
        assert parent.stdout is not None
        assert parent.stdout.readline().strip() == embedded_url(data_dir)
        put(data_dir, "kept", "yes")
        before = pid_of(data_dir)
        parent.kill()
    embedded.ensure(data_dir)
    assert pid_of(data_dir) == before
    assert get(data_dir, "kept") == "yes"


def test_what_was_queued_survives_a_killed_server_and_its_stale_socket(data_dir: Path) -> None:
    embedded.ensure(data_dir)
    put(data_dir, "kept", "yes")
    os.kill(pid_of(data_dir), signal.SIGKILL)
    assert socket_path(data_dir).exists()
    embedded.ensure(data_dir)
    assert get(data_dir, "kept") == "yes"


def test_leftovers_of_other_programs_do_not_block_the_start(data_dir: Path) -> None:
    server = server_of(data_dir)
    server.home.mkdir(parents=True)
    server.socket.parent.mkdir()
    (server.home / "server.pid").write_text(f"{os.getpid()}\n")
    (server.home / "lock").write_text("99999999")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(server.socket))
    embedded.ensure(data_dir)
    assert server.health() is ServerHealth.READY
    assert pid_of(data_dir) != os.getpid()


def test_stopping_does_not_hurt_a_process_that_took_over_the_servers_number(data_dir: Path) -> None:
    embedded.ensure(data_dir)
    (data_dir / "redis" / "server.pid").write_text(f"{os.getpid()}\n")
    assert embedded.stop(data_dir)
    server_of(data_dir).kill()  # we are still here to see it


@pytest.mark.slow
def test_a_server_that_hangs_is_replaced(data_dir: Path) -> None:
    embedded.ensure(data_dir)
    put(data_dir, "kept", "yes")
    hung = pid_of(data_dir)
    os.kill(hung, signal.SIGSTOP)
    assert server_of(data_dir).health(timeout=0.1) is ServerHealth.HUNG
    embedded.ensure(data_dir)
    assert pid_of(data_dir) != hung
    assert get(data_dir, "kept") == "yes"


def test_an_unreadable_append_only_file_is_put_aside(data_dir: Path) -> None:
    embedded.ensure(data_dir)
    put(data_dir, "lost", "yes")
    assert embedded.stop(data_dir)
    for file in (data_dir / "redis" / "appendonlydir").glob("*.aof"):
        file.write_bytes(b"*1\r\n$4\r\nPING\r\nthis is no protocol" * 50)
    embedded.ensure(data_dir)
    assert get(data_dir, "lost") is None
    assert (data_dir / "redis" / "appendonlydir.unreadable").is_dir()


def test_two_data_folders_run_side_by_side(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    try:
        for folder in (one, two):
            embedded.ensure(folder)
            put(folder, "whose", folder.name)
        assert [get(folder, "whose") for folder in (one, two)] == ["one", "two"]
        assert embedded.stop(one)
        assert get(two, "whose") == "two"
    finally:
        assert embedded.stop(one)
        assert embedded.stop(two)


def test_blanks_and_long_paths_are_no_hindrance(tmp_path: Path) -> None:
    for folder in (tmp_path / "my data", tmp_path / ("long" * 30) / "data"):
        try:
            embedded.ensure(folder)
            put(folder, "here", "yes")
            assert get(folder, "here") == "yes"
        finally:
            assert embedded.stop(folder)
    assert not socket_path(folder).parent.exists()


def test_a_prepared_folder_under_tmp_is_not_trusted(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    run = socket_path(folder).parent
    run.mkdir(mode=0o777)
    run.chmod(0o777)
    try:
        with pytest.raises(ConfigError, match="is not ours alone"):
            embedded.ensure(folder)
    finally:
        run.rmdir()


def test_processes_that_ask_at_once_share_one_server(data_dir: Path, child_environ: dict[str, str]) -> None:
    asking = [
        subprocess.Popen([sys.executable, "-c", ENSURE, str(data_dir)], env=child_environ, stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    answers = {process.communicate(timeout=40)[0].decode().strip() for process in asking}
    assert answers == {embedded_url(data_dir)}
    assert (data_dir / "redis" / "server.log").read_text().count("Server initialized") == 1


def test_a_lock_that_is_never_let_go_ends_in_one_sentence(data_dir: Path) -> None:
    (data_dir / "redis").mkdir(parents=True)
    with (
        file_lock(data_dir / "redis" / "lock", wait=0),
        pytest.raises(ConfigError, match=f"process {os.getpid()} starts"),
    ):
        embedded.ensure(data_dir, wait=0.1)


def test_a_data_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"cannot use .*file"):
        embedded.ensure(tmp_path / "file" / "data")


def test_stopping_what_never_ran_is_fine(tmp_path: Path, until: Callable[..., None]) -> None:
    assert embedded.stop(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
