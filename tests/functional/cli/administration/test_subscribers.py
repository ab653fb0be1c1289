import json
from pathlib import Path

import pytest

from notifier.cli.main import run
from tests.databases import *  # noqa: F403 - the fixtures, by the names their module lists
from tests.functional.cli.terminal import Captured, output

pytestmark = pytest.mark.usefixtures("home")


def test_a_list_keeps_its_good_rows_and_names_the_bad(capsys: Captured, tmp_path: Path) -> None:
    run(["db", "upgrade"])
    rows = "external_id,email,locale\na,a@example.com,nl\nb,not-an-address,nl\nc,c@example.com,xx\n"
    (tmp_path / "list.csv").write_text(rows)
    output(capsys)
    assert run(["subscribers", "import", "list.csv", "--json"]) == 0
    report = json.loads(output(capsys)[0])
    assert (report["created"], report["rejected"]) == (1, 2)
    assert [(bad["line"], bad["errors"][0]["field"]) for bad in report["errors"]] == [(3, "email"), (4, "locale")]
    assert run(["subscribers", "show", "a"]) == 0
    assert run(["subscribers", "show", "b"]) == 1
