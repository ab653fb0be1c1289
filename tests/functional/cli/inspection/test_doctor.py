import json

import pytest

from notifier.cli.main import run
from tests.functional.cli.terminal import Said, said

pytestmark = pytest.mark.usefixtures("home")


def test_doctor_finds_an_empty_house_in_order(capsys: Said) -> None:
    assert run(["db", "upgrade"]) == 0
    said(capsys)
    assert run(["doctor", "--json"]) == 0
    report = json.loads(said(capsys)[0])
    assert report["ok"] is True
    assert {check["name"] for check in report["checks"]} >= {"configuration", "templates", "database", "broker"}
