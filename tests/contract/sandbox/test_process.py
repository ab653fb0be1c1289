"""The sandbox as a process of its own, and as a server in a thread."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from notifier.sandbox.config import SandboxConfig
from notifier.sandbox.credentials import SENDGRID_API_KEY
from notifier.sandbox.server import SandboxServer
from tests.sandbox_server import running_sandbox


def answers(base_url: str) -> bool:
    with urllib.request.urlopen(f"{base_url}/sandbox/api/summary", timeout=5) as answer:  # noqa: S310  our own address
        return bool(answer.status == 200)


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "notifier.sandbox", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_process_says_where_it_listens_and_ends_on_a_signal(ending: signal.Signals) -> None:
    with start("--host", "127.0.0.1", "--port", "0") as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("sandbox listening on http://127.0.0.1:")
        assert answers(line.split()[-1])
        os.kill(process.pid, ending)
        out, err = process.communicate(timeout=10)
        assert (out, err, process.returncode) == ("", "", 0)


def test_taken_port_is_one_line_on_stderr_and_exit_1() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with start("--port", port) as process:
            _, err = process.communicate(timeout=20)
            assert process.returncode == 1
            assert err.startswith(f"cannot listen on 127.0.0.1:{port}: ")
            assert err.count("\n") == 1


def test_two_sandboxes_in_one_process_know_nothing_of_each_other() -> None:
    with running_sandbox() as first, running_sandbox() as second:
        assert first.base_url != second.base_url
        first.call("POST", "/hooks/a", b"{}")
        assert first.get("/sandbox/api/summary")["webhooks"]["requests"] == 1
        assert second.get("/sandbox/api/summary")["webhooks"]["requests"] == 0


def test_stopping_lets_a_hanging_receiver_go_at_once() -> None:
    with running_sandbox() as sandbox:
        sandbox.register_hook("hang", behaviour="hang")
        with pytest.raises(TimeoutError):
            sandbox.call("POST", "/hooks/hang", b"{}", timeout=0.1)


def test_sandbox_listens_on_ipv6_too() -> None:
    with SandboxServer("::1", 0) as server:
        assert server.base_url == f"http://[::1]:{server.port}"
        assert answers(server.base_url)


def test_configuration_shows_no_secret() -> None:
    shown = repr(SandboxConfig(event_signing_key="signing-secret"))
    assert "signing-secret" not in shown
    assert SENDGRID_API_KEY.startswith("SG.")
