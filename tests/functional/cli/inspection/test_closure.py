import json
from pathlib import Path

import pytest

from notifier.bootstrap.api_container import ApiContainer
from notifier.cli.main import run
from notifier.settings import load_settings
from tests.databases import *  # noqa: F403 - the fixtures, by the names their module lists
from tests.functional.api.api_client import an_event, plan_all
from tests.functional.cli.terminal import Captured, output

pytestmark = pytest.mark.usefixtures("home")


def test_closure_ends_with_0_where_there_is_no_exception_and_names_what_it_cannot_read(capsys: Captured) -> None:
    assert run(["closure", "--json"]) == 0
    assert json.loads(output(capsys)[0]) == {"incidents": []}
    assert run(["closure", "--incident", "inc-9"]) == 1
    assert output(capsys)[1] == "notifier: no incident 'inc-9'\n"
    assert run(["closure", "--since", "yesterday"]) == 2
    assert "--since: must be an RFC 3339 time with an offset" in output(capsys)[1]


def test_closure_names_who_is_owed_the_end_and_for_what_it_waits(capsys: Captured, tmp_path: Path) -> None:
    assert run(["subscribers", "add", "--id", "shop-1", "--email", "owner@example.com"]) == 0
    for number, status in ((1, "investigating"), (2, "resolved")):
        (tmp_path / "event.json").write_text(json.dumps(an_event(number, update={"status": status})))
        assert run(["publish", str(tmp_path / "event.json")]) == 0
        if number == 1:
            container = ApiContainer(load_settings())
            plan_all(container)
            container.close()
    output(capsys)
    assert run(["closure", "--incident", "inc-1"]) == 0
    assert "email    shop-1  waiting: its recipients are being found" in output(capsys)[0]
