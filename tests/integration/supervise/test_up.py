"""`notifier up` with a real Redis, a real sandbox and stand-ins for the commands it starts."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from notifier.queueing import embedded
from notifier.queueing.addresses import embedded_url, socket_path
from notifier.queueing.broker import redis_client
from notifier.queueing.server import Server, ServerHealth
from notifier.settings.sandbox import announced_sandbox
from tests.support.repository import ROOT

PROGRAM = ROOT / "tests" / "integration" / "programs" / "small_system.py"
READY = re.compile(r"notifier is up: (http://127\.0\.0\.1:\d+) \(sandbox (http://127\.0\.0\.1:\d+)\)\n")
# Said, from Python 3.12 on, where a process is forked beside threads.
FORK_WARNING = "always::DeprecationWarning:multiprocessing.popen_fork"
Until = Callable[..., None]

pytestmark = pytest.mark.slow


class System:
    """A running `up` in a working directory of its own."""

    def __init__(self, home: Path, environ: dict[str, str], *arguments: str) -> None:
        home.mkdir(exist_ok=True)
        self.home, self.data_dir = home, home / "var"
        with (home / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(PROGRAM), *arguments],
                cwd=home,
                env={**environ, "PYTHONWARNINGS": FORK_WARNING},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def wait_ready(self) -> tuple[str, str]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = READY.fullmatch(line)
        assert found, (line, (self.home / "log").read_text())
        return found[1], found[2]

    def diary(self) -> list[str]:
        path = self.home / "diary"
        return path.read_text().splitlines() if path.exists() else []

    def pids(self, name: str) -> list[int]:
        return [int(found[1]) for line in self.diary() if (found := re.match(rf"{name} (\d+) ", line))]

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        with self.process:
            self.process.wait(60)
        embedded.stop(self.data_dir)


def body_of(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310  an address of this machine
        assert response.status == 200
        return str(response.read().decode())


@pytest.fixture
def start(tmp_path: Path, child_environ: dict[str, str]) -> Iterator[Callable[..., System]]:
    running: list[System] = []

    def start(name: str = "home", *arguments: str, **environ: str) -> System:
        running.append(System(tmp_path / name, {**child_environ, **environ}, *arguments))
        return running[-1]

    yield start
    for system in running:
        system.end()


def test_everything_starts_answers_and_drains_to_0(start: Callable[..., System]) -> None:
    system = start()
    url, sandbox = system.wait_ready()
    assert body_of(f"{url}/readyz") == str(system.pids("api")[0])
    assert body_of(sandbox)
    with redis_client(embedded_url(system.data_dir)) as client:
        assert client.ping()
    found = announced_sandbox(system.data_dir)
    assert found is not None
    assert found.url == sandbox
    assert found.event_public_key
    diary = system.diary()
    assert diary[0] == "migrated"
    assert f"public {url}" in next(line for line in diary if line.startswith("api"))
    assert [
        stat.S_IMODE(system.data_dir.joinpath(name).stat().st_mode) for name in (".", "admin-token", "secret-keys")
    ] == [
        0o700,
        0o600,
        0o600,
    ]
    readers = sorted(line.split()[1] for line in diary if line.startswith("worker "))
    assert readers == ["control", "email", "retry,bulk", "social", "webhook", "webhook"]
    assert all(f"sandbox {sandbox} mail sandbox" in line for line in diary if line.startswith(("worker", "scheduler")))

    system.process.terminate()
    assert system.process.wait(60) == 0
    stops = [line for line in system.diary() if line.endswith("stopped")]
    assert (stops[0], stops[-1], len(stops)) == ("api stopped", "scheduler stopped", 8)
    server = Server(home=system.data_dir / "redis", socket=socket_path(system.data_dir))
    assert server.health() is ServerHealth.GONE
    assert (system.home / "log").read_text() == f"sandbox listening on {sandbox}\n"


def test_whatever_is_killed_comes_back_where_it_was(start: Callable[..., System], until: Until) -> None:
    system = start()
    url, sandbox = system.wait_ready()

    (api,) = system.pids("api")
    os.kill(api, signal.SIGKILL)
    assert int(body_of(f"{url}/readyz")) != api  # its callers wait, none is refused

    pid_file = system.data_dir / "redis" / "server.pid"
    redis_pid = pid_file.read_text()
    os.kill(int(redis_pid), signal.SIGKILL)
    until(lambda: pid_file.exists() and pid_file.read_text() not in ("", redis_pid))
    with redis_client(embedded_url(system.data_dir)) as client:
        until(client.ping)

    introduced = announced_sandbox(system.data_dir)
    children = psutil.Process(system.process.pid).children()
    next(child for child in children if child.cmdline()[0].startswith("notifier.sandbox ")).kill()
    until(lambda: announced_sandbox(system.data_dir) != introduced)  # it has another key now
    assert body_of(sandbox)


def test_two_systems_run_side_by_side(start: Callable[..., System]) -> None:
    one, two = start("one"), start("two")
    addresses = {*one.wait_ready(), *two.wait_ready()}
    assert len(addresses) == 4
    one.process.terminate()
    assert one.process.wait(60) == 0
    with redis_client(embedded_url(two.data_dir)) as client:
        assert client.ping()


def test_one_data_folder_is_not_for_two(start: Callable[..., System]) -> None:
    first = start()
    first.wait_ready()
    second = start("other", NOTIFIER_DATA_DIR=str(first.data_dir))
    assert second.process.wait(60) == 2
    line = (second.home / "log").read_text()
    assert f"is in use: `notifier up` runs there as process {first.process.pid}" in line
    assert line.count("\n") == 1
    assert first.process.poll() is None


def test_after_a_kill_all_ends_and_the_next_start_adopts_what_is_left(
    start: Callable[..., System], until: Until
) -> None:
    first = start()
    _, sandbox = first.wait_ready()
    redis_pid = int((first.data_dir / "redis" / "server.pid").read_text())
    children = psutil.Process(first.process.pid).children()
    first.process.kill()
    first.process.wait(60)
    until(lambda: not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children))
    second = start()
    assert second.wait_ready()[1] == sandbox
    assert int((second.data_dir / "redis" / "server.pid").read_text()) == redis_pid


def test_a_port_in_use_is_one_clear_line_and_2(start: Callable[..., System]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        system = start("home", str(port))
        assert system.process.wait(60) == 2
    assert (system.home / "log").read_text() == (
        f"notifier: --port: {port} on 127.0.0.1 is in use by another program; choose another one\n"
    )
    assert system.diary() == []


def test_a_provider_without_its_key_is_refused_before_anything_starts(start: Callable[..., System]) -> None:
    system = start(NOTIFIER_EMAIL_PROVIDERS="sendgrid")
    assert system.process.wait(60) == 2
    assert "NOTIFIER_SENDGRID_API_KEY: is missing" in (system.home / "log").read_text()
    assert not system.data_dir.exists()
