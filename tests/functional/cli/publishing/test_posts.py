import json

import pytest

from notifier.cli.main import run
from tests.databases import *  # noqa: F403 - the fixtures, by the names their module lists
from tests.functional.cli.terminal import Captured, output

pytestmark = pytest.mark.usefixtures("home")


def test_posts_are_listed_and_a_post_nobody_knows_cannot_be_taken_back(capsys: Captured) -> None:
    assert run(["posts", "list", "--json"]) == 0
    assert json.loads(output(capsys)[0]) == []
    for command in (["show", "post_9"], ["withdraw", "post_9"], ["edit", "post_9", "Other words"]):
        assert run(["posts", *command]) == 1
        assert output(capsys)[1] == "notifier: no post 'post_9'\n"
