import json

import pytest

from notifier.bootstrap.api_container import ApiContainer
from notifier.cli.main import run
from notifier.services.drafts.manage import NewDraft
from notifier.services.security.audit import Actor
from notifier.settings import load_settings
from tests.databases import *  # noqa: F403 - the fixtures, by the names their module lists
from tests.functional.cli.terminal import Captured, output

pytestmark = pytest.mark.usefixtures("home")


def a_draft() -> str:
    assert run(["drafts", "list"]) == 0  # makes the database
    notifier = ApiContainer(load_settings())
    new = NewDraft(
        incident={"title": {"en": "Checkout is slow"}, "impact": "major"},
        update={"status": "investigating", "body": {"en": "We are looking into it."}},
    )
    made = notifier.drafts.create(new, Actor("cli:ann", "here"))
    notifier.close()
    return str(made["id"])


def test_a_draft_is_listed_shown_and_published_once(capsys: Captured) -> None:
    draft_id = a_draft()
    output(capsys)
    assert run(["drafts", "list", "--json"]) == 0
    assert [item["id"] for item in json.loads(output(capsys)[0])] == [draft_id]
    assert run(["drafts", "show", draft_id]) == 0
    assert "Checkout is slow" in output(capsys)[0]
    assert run(["drafts", "publish", draft_id, "--json"]) == 0
    receipt = json.loads(output(capsys)[0])
    assert receipt["outcome"] == "accepted"
    assert run(["drafts", "publish", draft_id, "--json"]) == 0
    assert json.loads(output(capsys)[0]) == receipt
    assert run(["drafts", "discard", draft_id]) == 1
    assert "is published, not open" in output(capsys)[1]


def test_a_version_that_is_not_the_latest_is_refused(capsys: Captured) -> None:
    draft_id = a_draft()
    output(capsys)
    assert run(["drafts", "discard", draft_id, "--version", "2"]) == 1
    assert "has version 1 now" in output(capsys)[1]
    assert run(["drafts", "discard", draft_id]) == 0
    assert run(["drafts", "list", "--state", "discarded", "--json"]) == 0
    assert json.loads(output(capsys)[0].partition("\n")[2])[0]["state"] == "discarded"
