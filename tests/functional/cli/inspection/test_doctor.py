import json

import pytest

from notifier.cli.main import run
from tests.functional.cli.terminal import Captured, output

pytestmark = pytest.mark.usefixtures("home")


def test_doctor_finds_an_empty_house_in_order(capsys: Captured) -> None:
    assert run(["db", "upgrade"]) == 0
    output(capsys)
    assert run(["doctor", "--json"]) == 0
    report = json.loads(output(capsys)[0])
    assert report["ok"] is True
    assert {check["name"] for check in report["checks"]} >= {"configuration", "templates", "database", "broker"}
