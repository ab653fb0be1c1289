"""`notifier up` as an operator runs it: real processes, real Redis, the sandbox as the only provider."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from notifier.demo import story
from notifier.supervise.installation import Installation, installation
from tests.functional.system.patience import until
from tests.support.processes import child_called


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


def summary(system: Installation) -> dict[str, Any]:
    found: dict[str, Any] = system.ask_sandbox("GET", "/sandbox/api/summary")
    return found


def of_today(event: dict[str, Any]) -> dict[str, Any]:
    """Leave out when it was posted: what is handed in now is of now, and old news would wait for a person."""
    update = {name: value for name, value in event["update"].items() if name != "posted_at"}
    return event | {"update": update}


def test_the_supervisor_has_neither_thread_nor_connection_to_be_forked(system: Installation) -> None:
    supervisor = psutil.Process(system.pid)
    assert supervisor.num_threads() == 1
    assert [file.path for file in supervisor.open_files() if "sqlite" in file.path or file.path.endswith(".db")] == []


def test_one_event_reaches_everybody_once_on_every_channel(system: Installation) -> None:
    first = of_today(story.events()[0])
    assert system.call("POST", "/v1/events", first)["outcome"] == "accepted"
    assert system.call("POST", "/v1/events", first)["outcome"] == "duplicate"
    until(lambda: summary(system)["mails"]["total"] >= 40 and summary(system)["webhooks"]["accepted"] >= 1)
    until(lambda: summary(system)["posts"]["total"] >= 2)
    found = summary(system)
    assert found["mails"]["per_locale"] == {"en": 20, "nl": 20}
    assert found["posts"]["per_account"] == {"x-en": 1, "x-nl": 1}
    assert found["webhooks"]["unverified"] == 0
    assert all(number == 0 for number in found["duplicates"].values())


def test_a_killed_worker_and_a_killed_scheduler_lose_nothing(system: Installation) -> None:
    before = summary(system)["mails"]["total"]
    os.kill(child_called(system.pid, "worker control"), signal.SIGKILL)
    os.kill(child_called(system.pid, "worker email"), signal.SIGKILL)
    os.kill(child_called(system.pid, "scheduler"), signal.SIGKILL)
    event = of_today(story.events()[4])  # the resolution, which no window holds back
    assert system.call("POST", "/v1/events", event)["outcome"] == "accepted"
    until(lambda: summary(system)["mails"]["total"] >= before + 40 and summary(system)["webhooks"]["accepted"] >= 2)
    assert summary(system)["mails"]["same_notification_twice"] == 0


def test_the_ledger_agrees_with_what_arrived(system: Installation) -> None:
    def mails() -> list[dict[str, Any]]:
        found = system.call("GET", f"/v1/incidents/{story.INCIDENT_ID}/notifications")["items"]
        return [item for item in found if item["channel"] == "email"]

    def took() -> int:
        return sum(item["counts"].get("accepted", 0) + item["counts"].get("delivered", 0) for item in mails())

    # A mail arrives a moment before the worker has written down that it did.
    until(lambda: took() >= summary(system)["mails"]["total"])
    assert took() == summary(system)["mails"]["total"]
    assert [item["sequence"] for item in mails()] == list(range(1, len(mails()) + 1))


def test_a_canary_is_heard_by_its_own_listeners_and_by_nobody_else(system: Installation) -> None:
    before = summary(system)
    folder = system.log.parent
    config = folder / "canary.toml"
    config.write_text(f'[canary]\nemail = "canary@shop.example"\nendpoint = "{system.sandbox}/hooks/canary"\n')
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NOTIFIER_")}
    environ = kept | {
        "NOTIFIER_CONFIG": str(config),
        "NOTIFIER_DATA_DIR": str(folder / "data"),
        "NOTIFIER_WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
    }
    command = [sys.executable, "-m", "notifier", "canary", "--within", "60", "--json"]
    begun = time.monotonic()
    done = subprocess.run(command, env=environ, cwd=folder, capture_output=True, text=True, check=False)
    took = time.monotonic() - begun
    found = json.loads(done.stdout)
    assert (done.returncode, found["ok"]) == (0, True), done.stderr
    assert [each["channel"] for each in found["channels"]] == ["email", "webhook"]
    for each in found["channels"]:
        assert each["state"] in ("accepted", "delivered")  # the provider's event may have come already
        assert 0 < each["seconds"] < took
    after = summary(system)
    assert after["mails"]["total"] == before["mails"]["total"] + 1
    newest = system.ask_sandbox("GET", "/sandbox/api/mails?limit=1")["items"][0]
    assert newest["to"] == ["canary@shop.example"]
    assert after["webhooks"]["per_hook"] == {**before["webhooks"]["per_hook"], "canary": 1}


def test_metrics_of_one_scrape_tell_of_every_process(system: Installation) -> None:
    def scraped() -> str:
        with urllib.request.urlopen(f"{system.url}/metrics", timeout=10) as answer:  # noqa: S310 - our own
            return str(answer.read().decode())

    def is_exported(*words: str) -> bool:
        return any(all(word in line for word in words) for line in scraped().splitlines())

    names = (
        "api",
        "scheduler",
        "worker-control",
        "worker-email",
        "worker-social",
        "worker-webhook",
        "worker-retry-bulk",
    )
    until(lambda: all(is_exported("notifier_process_resident_bytes", f'process="{process}"') for process in names))
    until(lambda: is_exported("notifier_deliveries_total", 'channel="email"', 'locale="nl"', 'state="accepted"'))
    until(lambda: is_exported("notifier_deliveries_total", 'channel="webhook"', 'state="accepted"'))
    until(lambda: is_exported("notifier_attempt_seconds_bucket", 'provider="sandbox"', 'outcome="accepted"'))
    assert is_exported("notifier_breakers_open", 'provider="sandbox"')
    assert is_exported("notifier_last_recipient_seconds", 'channel="email"')
    assert is_exported("notifier_canary_seconds", 'channel="email"')
    assert is_exported("notifier_canary_seconds", 'channel="webhook"')
