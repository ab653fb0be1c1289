"""A storm of updates and repeats through the HTTP API of a running system. What must hold does not depend on speed."""

import http.client
import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import Any, Self
from urllib.parse import urlsplit

import pytest

from notifier.supervise.installation import Installation, installation
from tests.functional.system.patience import until

_UPDATES, _REPEATS, _CLIENTS, _PEOPLE = 60, 480, 4, 30
_WINDOW, _MAX_WINDOW = 1.0, 4.0
_PATIENCE = 120.0
_CONFIG = f"""
[coalesce]
window = {_WINDOW}
max_window = {_MAX_WINDOW}
[coalesce.webhook]
window = 0
"""
_WAYS = ["the same bytes", "another event id", "another update id"]
Json = dict[str, Any]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("storm")
    (folder / "notifier.toml").write_text(_CONFIG)
    with installation(folder, {"NOTIFIER_WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8"}) as running:
        people = "external_id,email,locale\n" + "".join(
            # Two subscribers share an address: one mail per notification all the same.
            f"shop-{number},owner{max(number, 1)}@shop.example,{'nl' if number % 2 else 'en'}\n"
            for number in range(_PEOPLE + 1)
        )
        running.call("POST", "/v1/subscribers/import", people.encode(), content_type="text/csv")
        endpoint = running.call("POST", "/v1/endpoints", {"url": f"{running.sandbox}/hooks/partner"})
        running.ask_sandbox("PUT", "/sandbox/hooks/partner", {"secret": endpoint["secret"], "behaviour": "ok"})
        yield running


@dataclass
class Storm:
    """What was sent, and what was answered."""

    begun: datetime
    fresh: list[Json] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    repeated: list[tuple[str, str]] = field(default_factory=list)  # kind of repeat, outcome
    first_answered: datetime | None = None


class Client:
    """One producer with one connection."""

    def __init__(self, system: Installation) -> None:
        self._address = urlsplit(system.url).netloc
        self._headers = {"Authorization": f"Bearer {system.token}", "Content-Type": "application/json"}
        self._connection = http.client.HTTPConnection(self._address, timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def publish(self, event: Json) -> Json:
        self._connection.request("POST", "/v1/events", json.dumps(event), self._headers)
        answer = self._connection.getresponse()
        found: Json = json.loads(answer.read())
        assert answer.status == 202, found
        return found


def an_event(begun: datetime, number: int) -> Json:
    last = number == _UPDATES
    return {
        "id": f"evt-{number}",
        "incident": {"id": "storm", "title": {"en": "Storm"}, "impact": "major", "components": ["checkout"]},
        "update": {
            "id": f"upd-{number}",
            "status": "resolved" if last else ("investigating" if number == 1 else "identified"),
            "body": {"en": f"It is over, update {_UPDATES}." if last else f"We know more, update {number}."},
            "posted_at": (begun + timedelta(milliseconds=number)).isoformat(),
        },
    }


def repeat(event: Json, kind: str, number: int) -> Json:
    if kind == "the same bytes":
        return event
    other = {**event, "id": f"{event['id']}-again-{number}"}
    if kind == "another event id":
        return other
    return {**other, "update": {**event["update"], "id": f"{event['update']['id']}-again-{number}"}}


@pytest.fixture(scope="module")
def storm(system: Installation) -> Storm:
    """60 updates by one producer while others repeat what was acknowledged, 480 times."""
    found = Storm(begun=datetime.now(UTC) - timedelta(seconds=1))
    some = Event()

    def report() -> None:
        with Client(system) as client:
            for number in range(1, _UPDATES + 1):
                event = an_event(found.begun, number)
                found.outcomes.append(client.publish(event)["outcome"])
                found.first_answered = found.first_answered or datetime.now(UTC)
                found.fresh.append(event)
                some.set()

    def echo(seed: int) -> None:
        chance = random.Random(seed)
        assert some.wait(_PATIENCE)
        with Client(system) as client:
            for number in range(_REPEATS // _CLIENTS):
                kind = chance.choice(_WAYS)
                event = chance.choice(found.fresh)
                answer = client.publish(repeat(event, kind, seed * _REPEATS + number))
                found.repeated.append((kind, answer["outcome"]))

    with ThreadPoolExecutor(_CLIENTS + 1) as pool:
        for done in [pool.submit(report), *(pool.submit(echo, seed) for seed in range(_CLIENTS))]:
            done.result()
    return found


@pytest.fixture(scope="module")
def notifications_of(system: Installation, storm: Storm) -> dict[str, list[Json]]:
    """The notifications of each channel, once all that was decided has left."""

    def settled() -> dict[str, list[Json]] | None:
        items = system.call("GET", "/v1/incidents/storm/notifications")["items"]
        channels: dict[str, list[Json]] = {}
        for item in items:
            channels.setdefault(item["channel"], []).append(item)
        last = [each[-1] for each in channels.values()]
        ended = all(item["update_ids"][-1] == f"upd-{_UPDATES}" for item in last) and len(last) == 3
        at_rest = all(item["state"] == "planned" and not {"queued", "sending"} & set(item["counts"]) for item in items)
        return channels if ended and at_rest else None

    assert storm.fresh
    found: dict[str, list[Json]] = until(settled)
    return found


pytestmark = pytest.mark.slow


def test_every_update_is_accepted_and_every_repeat_changes_nothing(storm: Storm) -> None:
    assert storm.outcomes == ["accepted"] * _UPDATES
    assert len(storm.repeated) == _REPEATS
    assert set(storm.repeated) == {(kind, "duplicate") for kind in _WAYS}


def test_the_first_message_is_decided_before_its_producer_has_the_answer(
    storm: Storm, notifications_of: dict[str, list[Json]]
) -> None:
    for notifications in notifications_of.values():
        assert notifications[0]["update_ids"] == ["upd-1"]
        assert storm.first_answered is not None
        assert datetime.fromisoformat(notifications[0]["created_at"]) <= storm.first_answered


def test_every_update_is_announced_once_in_order_without_a_gap(notifications_of: dict[str, list[Json]]) -> None:
    for notifications in notifications_of.values():
        assert [item["sequence"] for item in notifications] == list(range(1, len(notifications) + 1))
        said = [update_id for item in notifications for update_id in item["update_ids"]]
        assert said == [f"upd-{number}" for number in range(1, _UPDATES + 1)]
    assert len(notifications_of["webhook"]) == _UPDATES


@pytest.mark.parametrize("channel", ["email", "social"])
def test_there_are_no_more_notifications_than_the_policy_allows(
    notifications_of: dict[str, list[Json]], channel: str
) -> None:
    window = _WINDOW
    for before, item in pairwise(notifications_of[channel]):
        if item["urgency"] != "flush_on":
            passed = datetime.fromisoformat(item["created_at"]) - datetime.fromisoformat(before["created_at"])
            assert passed >= timedelta(seconds=window)
        if len(item["update_ids"]) > 1:
            window = min(2 * window, _MAX_WINDOW)
    assert "flush_on" not in [item["urgency"] for item in notifications_of[channel][:-1]]


def test_everybody_ends_with_the_last_state_and_nobody_is_told_twice(
    system: Installation, notifications_of: dict[str, list[Json]]
) -> None:
    for notifications in notifications_of.values():
        assert set(notifications[-1]["counts"]) <= {"accepted", "delivered"}
    assert sum(notifications_of["email"][-1]["counts"].values()) == _PEOPLE
    mails = system.ask_sandbox("GET", "/sandbox/api/mails?limit=1000")["items"]
    newest: dict[str, Json] = {}
    for mail in mails:  # newest first
        newest.setdefault(mail["to"][0], mail)
    assert len(newest) == _PEOPLE
    assert {mail["notification_id"] for mail in newest.values()} == {notifications_of["email"][-1]["id"]}
    text = system.ask_sandbox("GET", f"/sandbox/api/mails/{next(iter(newest.values()))['id']}")["text"]
    assert f"It is over, update {_UPDATES}." in text
    summary = system.ask_sandbox("GET", "/sandbox/api/summary")
    assert summary["mails"]["same_notification_twice"] == 0
    assert all(number == 0 for number in summary["duplicates"].values())


def test_partners_get_every_update_in_order(system: Installation, notifications_of: dict[str, list[Json]]) -> None:
    assert notifications_of["webhook"]
    rows = system.ask_sandbox("GET", "/sandbox/api/hooks?name=partner&limit=10000")["items"]
    posted = [json.loads(row["body"])["data"] for row in reversed(rows)]
    assert [data["sequence"] for data in posted] == list(range(1, _UPDATES + 1))
    said = [update["id"] for data in posted for update in data["updates"]]
    assert said == [f"upd-{number}" for number in range(1, _UPDATES + 1)]


def test_the_log_tells_of_no_error(system: Installation, notifications_of: dict[str, list[Json]]) -> None:
    assert notifications_of
    lines = [json.loads(line) for line in Path(system.log).read_text().splitlines() if line.startswith("{")]
    assert [line for line in lines if line.get("level") in ("error", "critical")] == []
