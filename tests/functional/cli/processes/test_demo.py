"""`notifier demo` as a newcomer runs it: the outage of 21 June 2022, hurried, for a smaller town."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from notifier.demo.replay import Result
from tests.functional.system.patience import until

pytestmark = pytest.mark.slow


def test_each_update_reaches_exactly_those_it_should_and_nothing_is_left_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "notifier", "demo", "--json", "--speed", "20000", "--subscribers", "60"]
    environ = {**os.environ, "NOTIFIER_DATA_DIR": str(tmp_path / "data")}
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path, env=environ)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["lost"], found["duplicates"], found["wrong"]) == (0, 0, [])
    assert set(found["emails"]) == {"nl", "en", "de", "fr"}
    assert found["social"] == {"x-nl": 6, "x-en": 6}
    assert found["webhooks"] == 6 * 25
    (draft,) = found["drafts"]
    assert (draft["update_id"], draft["proposed_by"]) == ("upd-2", "source:cloudflare")
    assert "Sanne de Vries" in draft["published_by"]
    assert list((tmp_path / "data").iterdir()) == []


_HURRIED_AND_KEPT = ["--speed", "100000", "--subscribers", "1", "--keep"]


@pytest.mark.parametrize(
    ("number", "options"),
    [
        (signal.SIGTERM, ["--speed", "1"]),
        (signal.SIGKILL, ["--speed", "1"]),
        (signal.SIGINT, _HURRIED_AND_KEPT),
    ],
)
def test_a_demo_that_is_ended_takes_everything_along(
    tmp_path: Path, number: signal.Signals, options: list[str]
) -> None:
    command = [sys.executable, "-m", "notifier", "demo", *options]
    environ = {**os.environ, "NOTIFIER_DATA_DIR": str(tmp_path / "data"), "BROWSER": "true"}
    with (tmp_path / "said").open("wb") as output:
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environ, stdout=output, stderr=output, start_new_session=True
        )
    told = "Press Ctrl-C to stop." if "--keep" in options else ""
    try:
        until(lambda: len(of_demo(tmp_path)) >= 10 and told in (tmp_path / "said").read_text())
        process.send_signal(number)
        process.wait(90)
    finally:
        process.kill()
        process.wait()
    until(lambda: not of_demo(tmp_path))
    if number is not signal.SIGKILL:
        assert list((tmp_path / "data").iterdir()) == []


def of_demo(folder: Path) -> list[int]:
    """The processes that were started on this folder, by what they were told or where they work."""
    return [found.pid for found in psutil.process_iter() if str(folder) in _environment(found)]


def _environment(process: psutil.Process) -> str:
    try:
        return f"{process.environ().get('NOTIFIER_DATA_DIR')} {process.cwd()} {process.cmdline()}"
    except psutil.Error:
        return ""


def test_a_result_is_only_good_where_nothing_was_lost_doubled_or_untold() -> None:
    good: dict[str, Any] = {"emails": {}, "social": {}, "webhooks": 0, "lost": 0, "duplicates": 0, "seconds": 1.0}
    assert not Result(**good).failed
    for fault in ({"lost": 1}, {"duplicates": 1}, {"wrong": ["social 2 (upd-2): 2 superseded"]}):
        assert Result(**good | fault).failed
