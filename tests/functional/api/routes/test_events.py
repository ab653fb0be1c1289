import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from notifier.bootstrap.api_container import ApiContainer
from notifier.domain.errors import UnavailableError
from notifier.domain.incidents.incident import Event
from notifier.services.events.ingest import Receipt
from notifier.storage import tables as t
from tests.functional.api.api_client import Api, FakeIngest, an_event, faults


def events_in(container: ApiContainer) -> int:
    with container.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(t.event)).scalar_one())


def test_an_event_is_accepted_and_shown(api_anywhere: Api) -> None:
    answer = api_anywhere.post("/v1/events", json=an_event())
    assert answer.status_code == 202
    assert answer.json() == {
        "event_id": "evt-1",
        "incident_id": "inc-1",
        "update_id": "upd-1",
        "outcome": "accepted",
        "reason": "will be announced",
        "recipients": 0,
        "held": False,
    }
    assert [item["id"] for item in api_anywhere.get("/v1/incidents").json()["items"]] == ["inc-1"]


def test_old_news_is_held_whichever_key_hands_it_in(api_with: Callable[[str], Api]) -> None:
    api = api_with("")
    old = {"posted_at": (datetime.now(UTC) - timedelta(hours=25)).isoformat()}
    answer = api.post("/v1/events", json=an_event(update=old)).json()
    assert (answer["outcome"], answer["held"]) == ("accepted", True)
    assert {item["held_because"] for item in api.get("/v1/notifications/held").json()["items"]} == {"hold_older_than"}
    for path in ("/en/", "/en/incidents/inc-1", "/en/feed.atom"):
        assert "Payments are slow" not in api.client.get(path).text
    assert api.client.get("/en/incidents/inc-1").status_code == 404


def test_silent_and_late_events_are_kept_and_not_announced(api_anywhere: Api) -> None:
    posted = datetime.now(UTC) - timedelta(minutes=1)
    api_anywhere.post("/v1/events", json=an_event(1, update={"posted_at": posted.isoformat()}))
    early = posted - timedelta(minutes=10)
    late = an_event(2, update={"posted_at": early.isoformat(), "status": "identified"})
    assert api_anywhere.post("/v1/events", json=late).json()["outcome"] == "stale"
    silent = an_event(3, notify=False, update={"status": "monitoring"})
    assert api_anywhere.post("/v1/events", json=silent).json()["outcome"] == "recorded"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/json", ""])
def test_any_content_type_will_do(api: Api, content_type: str) -> None:
    body = json.dumps(an_event()).encode()
    answer = api.post("/v1/events", content=body, headers={"Content-Type": content_type})
    assert answer.status_code == 202


def test_a_byte_order_mark_is_no_fault(api: Api) -> None:
    answer = api.post("/v1/events", content=b"\xef\xbb\xbf" + json.dumps(an_event()).encode())
    assert answer.status_code == 202


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'{"id": "evt-1",\n "incident": }', "line 2 column 14"),
        (b"", "line 1 column 0"),
        (b'{"id": "\xff"}', "line 1 column"),
        (b"id=evt-1", "line 1 column 1"),
    ],
)
def test_malformed_json_is_refused_with_its_position(api: Api, body: bytes, place: str) -> None:
    answer = api.post("/v1/events", content=body)
    assert answer.status_code == 400
    assert place in faults(answer)["body"]


@pytest.mark.parametrize(
    ("event", "field", "part"),
    [
        (an_event(incident={"components": ["shop"]}), "incident.components.0", "unknown component 'shop'"),
        (an_event(incident={"components": [{"key": "api", "status": "broken"}]}), "incident.components.0.status", ""),
        (an_event(incident={"title": {"xx": "What"}}), "incident.title.xx", "unknown locale"),
        (an_event(update={"body": {"en": ""}}), "update.body.en", "must not be empty"),
        (an_event(update={"status": "exploded"}), "update.status", ""),
        (an_event(update={"posted_at": "2022-06-21T08:36:00"}), "update.posted_at", "offset"),
        (an_event(update={"posted_at": "2199-01-01T00:00:00Z"}), "update.posted_at", "in the future"),
        (an_event() | {"color": "red"}, "color", ""),
        (an_event(incident={"components": [f"c{number}" for number in range(300)]}), "incident.components", ""),
    ],
)
def test_a_field_at_fault_is_named(api: Api, event: dict[str, Any], field: str, part: str) -> None:
    answer = api.post("/v1/events", json=event)
    assert answer.status_code == 422
    assert part in faults(answer)[field]
    assert events_in(api.container) == 0


def test_every_fault_is_named_at_once(api: Api) -> None:
    event = an_event(incident={"impact": "huge"}, update={"status": "exploded"})
    del event["id"]
    assert faults(api.post("/v1/events", json=event)).keys() == {"id", "incident.impact", "update.status"}


@pytest.mark.parametrize("announced", [True, False])
def test_an_oversized_body_is_refused_before_it_is_read(api: Api, *, announced: bool) -> None:
    body = b" " * (1024 * 1024 + 1)
    answer = api.post("/v1/events", content=body if announced else iter([body[:600_000], body[600_000:]]))
    assert answer.status_code == 413
    assert "1,048,576 bytes" in faults(answer)["body"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_megabyte_of_text_names_the_field_that_is_too_long(api: Api) -> None:
    answer = api.post("/v1/events", json=an_event(update={"body": {"en": "x" * 1_000_000}}))
    assert answer.status_code == 422
    assert "update.body.en" in faults(answer)


def test_json_nested_without_end_is_refused(api: Api) -> None:
    answer = api.post("/v1/events", content=b'{"id": ' + b"[" * 100_000)
    assert answer.status_code == 400


def test_what_was_not_stored_is_not_acknowledged(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_event: Event) -> Receipt:
        raise UnavailableError("database: connection refused")

    event = an_event()
    monkeypatch.setitem(api.container.__dict__, "ingest", FakeIngest(away))
    answer = api.post("/v1/events", json=event)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "connection refused" not in answer.text
    monkeypatch.undo()
    assert api.post("/v1/events", json=event).json()["outcome"] == "accepted"


def test_a_bug_is_answered_without_a_traceback(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_event: Event) -> Receipt:
        raise KeyError("the secret plan")

    monkeypatch.setitem(api.container.__dict__, "ingest", FakeIngest(broken))
    answer = api.client.post("/v1/events", json=an_event())
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "secret plan" not in answer.text
    assert "Traceback" not in answer.text
