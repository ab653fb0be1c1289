"""Who published what: nobody contradicts a colleague unread, and every event bears its author."""

import logging
import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from notifier.services.security.audit import Actor
from tests.functional.api.api_client import Api, Json, an_event, faults
from tests.functional.api.payloads import statuspage, statuspage_update

HERE = "testclient"


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Callable[[str], list[dict[str, Any]]]:
    """Return what was logged of an event: the fields of each time."""
    caplog.set_level(logging.INFO)
    return lambda event: [vars(record) for record in caplog.records if record.message == event]


def as_holder_of(api: Api, name: str, *scopes: str) -> tuple[dict[str, str], str]:
    """Headers that bear a new key, and what the audit trail calls its bearer."""
    made = api.container.api_keys.create(name, scopes, Actor("tests", "here"))
    return {"Authorization": f"Bearer {made.plaintext}"}, f"key:{made.id} ({name})"


def published(api: Api) -> list[Json]:
    """Audit entries about events, oldest first."""
    items: list[Json] = api.get("/v1/audit?object_kind=event").json()["items"]
    return items[::-1]


def test_an_outdated_event_is_a_conflict_that_names_the_newest_update_until_it_is_written_anew(
    api_anywhere: Api,
) -> None:
    api = api_anywhere
    headers, ann = as_holder_of(api, "ann", "publish")
    api.post("/v1/events", json=an_event(1))
    api.post("/v1/events", json=an_event(2, update={"status": "resolved"}), headers=headers)
    late = orjson.dumps(an_event(3) | {"after": "upd-1"})
    for _ in range(2):  # no cache of repeats swallows it
        answer = api.post("/v1/events", content=late)
        assert answer.status_code == 409
        body = answer.json()
        assert (body["title"], body["code"]) == ("Conflict", "conflict")
        newest = api.get("/v1/incidents/inc-1").json()["updates"][-1]
        assert body["newest"] == {name: newest[name] for name in ("id", "status", "posted_at", "author")}
        assert (body["newest"]["id"], body["newest"]["author"]) == ("upd-2", ann)
        assert "upd-2" in faults(answer)["after"]
    assert [update["id"] for update in api.get("/v1/incidents/inc-1").json()["updates"]] == ["upd-1", "upd-2"]
    assert len(published(api)) == 2
    assert api.post("/v1/events", json=an_event(3) | {"after": "upd-2"}).json()["outcome"] == "accepted"
    # What was stored is a repeat from then on, whatever it was based on.
    assert api.post("/v1/events", json=an_event(3) | {"after": "upd-1"}).json()["outcome"] == "duplicate"


def test_after_is_checked_as_any_other_field(api: Api) -> None:
    assert api.post("/v1/events", json=an_event(1) | {"after": None}).status_code == 202
    for wrong in ("upd-of-nobody", "", 7, "two words"):
        answer = api.post("/v1/events", json=an_event(2) | {"after": wrong})
        assert answer.status_code == 422
        assert list(faults(answer)) == ["after"]
    new = an_event(1, id="evt-new", incident={"id": "inc-new"}) | {"after": "upd-1"}
    assert list(faults(api.post("/v1/events", json=new))) == ["after"]
    assert api.get("/v1/incidents/inc-new").status_code == 404


def test_a_reused_event_id_is_told_apart_from_a_repeat_and_logged(
    api: Api, logged: Callable[[str], list[dict[str, Any]]]
) -> None:
    api.post("/v1/events", json=an_event(1))
    other = an_event(1, update={"body": {"en": "Other words."}})
    answers = [api.post("/v1/events", json=other).json() for _ in range(2)]
    for answer in answers:
        assert answer["outcome"] == "duplicate"
        assert answer["reason"] == (
            "event evt-1 was already published with different content; nothing was changed; use a new id"
        )
    assert [fields["event_id"] for fields in logged("event_id_reused")] == ["evt-1"]
    assert "\nnotifier_event_ids_reused_total 1.0\n" in api.get("/metrics").text
    assert "another content" not in api.post("/v1/events", json=an_event(1)).json()["reason"]


def test_the_timeline_the_audit_trail_and_the_log_name_the_key(
    api_anywhere: Api, logged: Callable[[str], list[dict[str, Any]]]
) -> None:
    api = api_anywhere
    headers, author = as_holder_of(api, "crm", "publish")
    api.post("/v1/events", json=an_event(1), headers=headers)
    (fields,) = logged("event_ingested")
    assert (fields["author"], fields["origin"]) == (author, HERE)
    api.post("/v1/events", json=an_event(2))
    updates = api.get("/v1/incidents/inc-1").json()["updates"]
    assert [update["author"] for update in updates] == [author, "key:admin"]
    first = published(api)[0]
    assert first["detail"]["incident_id"] == "inc-1"
    assert {name: first[name] for name in ("actor", "origin", "action", "object_kind", "object_id")} == {
        "actor": author,
        "origin": HERE,
        "action": "event.published",
        "object_kind": "event",
        "object_id": "evt-1",
    }


def test_news_of_another_system_name_its_key_its_source_and_its_address(api: Api) -> None:
    headers, author = as_holder_of(api, "cloud", "publish")
    now = api.container.clock()
    page = statuspage(
        statuspage_update(1, "investigating", "One.", at=now), statuspage_update(2, "identified", "Two.", at=now)
    )
    api.post("/v1/inbound/statuspage/cloud", json=page, headers=headers)
    entries = published(api)
    assert len(entries) == 2
    assert {(item["actor"], item["origin"]) for item in entries} == {(author, f"inbound/statuspage/cloud from {HERE}")}


def test_a_long_name_is_cut_and_the_address_of_a_long_source_is_kept(api_with: Callable[[str], Api]) -> None:
    name, source = "n" * 100, "s" * 64
    api = api_with(f'[[sources]]\nname = "{source}"\nkind = "statuspage"\nmode = "publish"\n')
    headers, _ = as_holder_of(api, name, "publish")
    page = statuspage(statuspage_update(1, "investigating", "One.", at=api.container.clock()))
    api.post(f"/v1/inbound/statuspage/{source}", json=page, headers=headers)
    (entry,) = published(api)
    assert entry["origin"].endswith(f" from {HERE}")
    assert len(entry["actor"]) <= 100
    assert entry["actor"].endswith("…)")
    incident = api.get("/v1/incidents").json()["items"][0]["id"]
    assert api.get(f"/v1/incidents/{incident}").json()["updates"][0]["author"] == entry["actor"]


def test_the_use_of_a_key_is_noted_beside_the_request(api: Api) -> None:
    headers, _ = as_holder_of(api, "ci", "read")
    assert api.get("/v1/incidents", headers=headers).status_code == 200
    until = time.monotonic() + 60
    while (api.container.api_keys.list()[0]["last_used_at"]) is None:
        assert time.monotonic() < until
        time.sleep(0.01)
