import pytest

from notifier.cli.main import run
from tests.databases import *  # noqa: F403 - the fixtures, by the names their module lists
from tests.functional.cli.terminal import Captured, output

pytestmark = pytest.mark.usefixtures("home")


def test_a_canary_without_a_listener_is_refused_and_names_the_key(capsys: Captured) -> None:
    assert run(["canary"]) == 2
    assert "canary.email" in output(capsys)[1]
