"""`notifier up` as an operator runs it: real processes, real Redis, the sandbox as the only provider."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from notifier.demo import story
from notifier.supervise.installation import Installation, installation

_PATIENCE = 60.0


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("up")
    with installation(folder, {"NOTIFIER_WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8"}) as running:
        people = "external_id,email,locale\n" + "".join(
            f"shop-{number},owner{number}@shop.example,{'nl' if number % 2 else 'en'}\n" for number in range(40)
        )
        running.call("POST", "/v1/subscribers/import", people.encode(), content_type="text/csv")
        endpoint = running.call("POST", "/v1/endpoints", {"url": f"{running.sandbox}/hooks/partner"})
        running.ask_sandbox("PUT", "/sandbox/hooks/partner", {"secret": endpoint["secret"], "behaviour": "ok"})
        yield running


def until(question: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + _PATIENCE
    while not (answer := question()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)
    return answer


def summary(system: Installation) -> dict[str, Any]:
    found: dict[str, Any] = system.ask_sandbox("GET", "/sandbox/api/summary")
    return found


def child(system: Installation, *words: str) -> int:
    """The process id of a child whose command line holds these words."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                line = (folder / "cmdline").read_bytes().decode().split("\0")
                parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            if parent == str(system.pid) and all(word in line for word in words):
                return int(folder.name)
    raise AssertionError(f"no child with {words}")


@pytest.mark.timeout(180)
def test_one_event_reaches_everybody_once_on_every_channel(system: Installation) -> None:
    first = story.events()[0]
    assert system.call("POST", "/v1/events", first)["outcome"] == "accepted"
    assert system.call("POST", "/v1/events", first)["outcome"] == "duplicate"
    until(lambda: summary(system)["mails"]["total"] >= 40 and summary(system)["webhooks"]["accepted"] >= 1)
    until(lambda: summary(system)["posts"]["total"] >= 2)
    found = summary(system)
    assert found["mails"]["per_locale"] == {"en": 20, "nl": 20}
    assert found["posts"]["per_account"] == {"x-en": 1, "x-nl": 1}
    assert found["webhooks"]["unverified"] == 0
    assert all(number == 0 for number in found["duplicates"].values())


@pytest.mark.timeout(180)
def test_a_killed_worker_and_a_killed_scheduler_lose_nothing(system: Installation) -> None:
    before = summary(system)["mails"]["total"]
    os.kill(child(system, "worker", "control"), signal.SIGKILL)
    os.kill(child(system, "worker", "email"), signal.SIGKILL)
    os.kill(child(system, "scheduler"), signal.SIGKILL)
    event = story.events()[4]  # the resolution, which no window holds back
    assert system.call("POST", "/v1/events", event)["outcome"] == "accepted"
    until(lambda: summary(system)["mails"]["total"] >= before + 40)
    assert summary(system)["mails"]["same_notification_twice"] == 0


@pytest.mark.timeout(180)
def test_the_ledger_agrees_with_what_arrived(system: Installation) -> None:
    notifications = system.call("GET", f"/v1/incidents/{story.INCIDENT_ID}/notifications")["items"]
    mails = [item for item in notifications if item["channel"] == "email"]
    counted = until(
        lambda: sum(item["counts"].get("accepted", 0) + item["counts"].get("delivered", 0) for item in mails)
    )
    assert counted == summary(system)["mails"]["total"]
    assert [item["sequence"] for item in mails] == list(range(1, len(mails) + 1))
