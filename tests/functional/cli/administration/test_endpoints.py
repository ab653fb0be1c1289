"""Partners' endpoints, their log and sending again, at the command line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from notifier.bootstrap.api_container import ApiContainer
from notifier.bootstrap.worker import WorkerRuntime
from notifier.cli.main import run
from notifier.demo import story
from notifier.domain.values import QueueName
from notifier.settings import load_settings
from tests.functional.api.receiver import Receiver, listening, post_what_is_due

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NOTIFIER_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "notifier.toml").write_text("[guard]\nhold_older_than = 0\n")  # the story is of 2022
    monkeypatch.setenv("NOTIFIER_WEBHOOK_ALLOW_NETWORKS", "127.0.0.0/8")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as found:
        yield found


class Shell:
    """Runs commands, and says what they printed."""

    def __init__(self, capsys: Captured) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str, code: int = 0) -> str:
        self._capsys.readouterr()
        assert run(arguments) == code
        found = self._capsys.readouterr()
        return found.out if code == 0 else found.err

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))


@pytest.fixture
def shell(capsys: Captured) -> Shell:
    return Shell(capsys)


def work() -> None:
    """What the workers would do."""
    container = ApiContainer(load_settings())
    worker = WorkerRuntime(container, [QueueName.WEBHOOK])
    try:
        post_what_is_due(container, worker)
    finally:
        worker.close()
        container.close()


def test_an_endpoint_is_added_shown_rotated_stopped_and_removed(shell: Shell) -> None:
    url = "https://partner.example/hook"
    made = shell.json(
        "endpoints", "add", url, "--description", "Partner", "--header", "X-Key: s3cret", "--mode", "latest"
    )
    assert made["secret"].startswith("whsec_")
    listed = shell("endpoints", "list")
    assert url in listed.replace("\n", "")
    assert [item["id"] for item in shell.json("endpoints", "list")] == [made["id"]]
    shown = shell.json("endpoints", "show", made["id"])
    assert (shown["mode"], shown["state"], shown["description"]) == ("latest", "active", "Partner")
    assert not {made["secret"], "s3cret"} & set(json.dumps(shown).split('"'))
    rotated = shell.json("endpoints", "rotate", made["id"], "--overlap-hours", "1")
    assert rotated["secret"] not in ("", made["secret"])
    assert shell.json("endpoints", "disable", made["id"], "--reason", "moving house")["state"] == "disabled"
    assert "moving house" in shell("endpoints", "show", made["id"])
    assert shell.json("endpoints", "enable", made["id"])["state"] == "active"
    assert shell("endpoints", "remove", made["id"]) == f"{made['id']} removed.\n"
    assert shell("endpoints", "show", made["id"], code=1) == f"notifier: no endpoint '{made['id']}'\n"


def test_a_header_without_a_colon_is_refused_by_name(shell: Shell) -> None:
    output = shell("endpoints", "add", "https://partner.example/", "--header", "X-Key", code=2)
    assert output == "notifier: --header: must have the form 'Name: value'\n"


def test_a_test_message_is_posted_at_once_and_its_answer_told(shell: Shell, receiver: Receiver) -> None:
    made = shell.json("endpoints", "add", receiver.url)
    assert shell.json("endpoints", "test", made["id"])["test"]["succeeded"] is True
    assert json.loads(receiver.got[0][1])["type"] == "endpoint.test"
    receiver.status = 500
    shell("endpoints", "test", made["id"], code=1)
    assert len(receiver.got) == 2


def test_what_was_posted_is_listed_shown_and_sent_again(shell: Shell, receiver: Receiver) -> None:
    made = shell.json("endpoints", "add", receiver.url)
    Path("event.json").write_text(json.dumps(story.events()[0]), encoding="utf-8")
    shell("publish", "event.json")
    receiver.says = b"thanks"
    receiver.status = 200
    work()
    (item,) = shell.json("deliveries", "list", "--endpoint", made["id"])
    assert (item["channel"], item["state"], item["recipient"]) == ("webhook", "accepted", made["id"])
    assert shell.json("deliveries", "list", "--state", "failed") == []
    (notification,) = [
        each["id"]
        for each in shell.json("incidents", "show", story.INCIDENT_ID)["notifications"]
        if each["channel"] == "webhook"
    ]
    assert [each["id"] for each in shell.json("deliveries", "list", "--notification", notification)] == [item["id"]]
    table = shell("deliveries", "list", "--incident", story.INCIDENT_ID)
    assert "accepted" in table
    shown = shell("deliveries", "show", item["id"])
    assert "thanks" in shown
    assert "webhook-id" in shown
    assert shell("replay", "--delivery", item["id"]) == "0 deliveries will be resent.\n"
    arrived = ("replay", "--endpoint", made["id"], "--state", "accepted")
    assert "since" in shell(*arrived, code=2)
    bounded = (*arrived, "--since", "2020-01-01T00:00:00Z")
    assert shell.json(*bounded, "--dry-run") == {"count": 1}
    assert "1 deliveries, including delivered ones. Add --yes" in shell(*bounded, code=2)
    assert shell.json(*bounded, "--yes") == {"replayed": 1}
    work()
    first, again = receiver.got
    assert first[0]["webhook-id"] == again[0]["webhook-id"] == item["id"]
    assert json.loads(again[1])["data"]["is_replay"] is True


@pytest.mark.parametrize("text", ["yesterday", "2022-06-21T08:36:00"])
def test_a_span_of_time_without_a_zone_is_refused_by_name(shell: Shell, text: str) -> None:
    output = shell("replay", "--channel", "webhook", "--since", text, code=2)
    assert output == "notifier: --since: must be an RFC 3339 time with an offset\n"


def test_incidents_are_listed_and_told_as_a_time_line(shell: Shell) -> None:
    shell("publish", str(story.FILE))
    assert story.INCIDENT_ID in shell("incidents", "list")
    shown = shell("incidents", "show", story.INCIDENT_ID)
    assert [shown.count(f"upd-{number}") >= 1 for number in range(1, 7)] == [True] * 6
    assert "Timeline" in shown
    assert "Notifications" in shown
