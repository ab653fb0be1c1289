"""The short form of `make chaos`: real processes, two faults, a small audience, SQLite.

Recovery times depend on the machine: `make chaos` judges them, this does not.
"""

import json

import pytest

from tests.chaos.__main__ import main

pytestmark = pytest.mark.slow


def test_the_short_form_keeps_every_bound(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--short", "--database", "sqlite", "--untimed", "--json"])
    outcomes = json.loads(capsys.readouterr().out)
    assert [one["scenario"] for one in outcomes] == ["workers_killed", "redis_emptied"]
    wrong = [one for one in outcomes if not one["held"]]
    assert (wrong, code) == ([], 0)
    assert all(one["events"] >= 3 for one in outcomes)
