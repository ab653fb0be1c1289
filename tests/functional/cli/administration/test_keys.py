import json

import pytest

from notifier.cli.main import run
from tests.functional.cli.terminal import Captured, output

pytestmark = pytest.mark.usefixtures("home")


def test_a_key_is_made_listed_and_revoked(capsys: Captured) -> None:
    run(["db", "upgrade"])
    output(capsys)
    assert run(["keys", "create", "--scope", "publish", "--json"]) == 0
    made = json.loads(output(capsys)[0])
    assert made["key"].startswith("ntf_key_")
    assert run(["keys", "revoke", made["id"]]) == 0
    output(capsys)
    assert run(["keys", "list"]) == 0
    assert made["key"] not in output(capsys)[0]
