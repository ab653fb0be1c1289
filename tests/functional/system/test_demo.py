"""`notifier demo` as a newcomer runs it: the outage of 21 June 2022, hurried, for a smaller town."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def test_each_update_reaches_exactly_those_it_should_and_nothing_is_left_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "notifier", "demo", "--json", "--speed", "20000", "--subscribers", "120"]
    environ = {**os.environ, "NOTIFIER_DATA_DIR": str(tmp_path / "data")}
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path, env=environ)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["lost"], found["duplicates"], found["wrong"]) == (0, 0, [])
    assert set(found["emails"]) == {"nl", "en", "de", "fr"}
    # Hurried like this, a post may be overtaken by the next update, which then says both.
    assert {account: 1 <= number <= 6 for account, number in found["social"].items()} == {"x-nl": True, "x-en": True}
    assert found["webhooks"] == 6 * 25
    assert list((tmp_path / "data").iterdir()) == []
