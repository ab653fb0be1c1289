"""News that is odd or broken: a clear answer, nothing lost, and what comes after it is taken as usual."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.functional.api.api_client import Api, an_event, faults
from tests.functional.api.payloads import statuspage, statuspage_update

Json = dict[str, Any]


def moved(minutes: float) -> Json:
    return {"posted_at": (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()}


def timeline(api: Api) -> list[tuple[str, str]]:
    return [(item["id"], item["outcome"]) for item in api.get("/v1/incidents/inc-1").json()["updates"]]


def announced(api: Api, incident: str = "inc-1") -> list[tuple[str, list[str]]]:
    items = api.get(f"/v1/incidents/{incident}/notifications").json()["items"]
    return [(item["channel"], item["update_ids"]) for item in items]


BROKEN = {
    "dated two days ahead": ({"update": moved(2 * 24 * 60)}, "update.posted_at"),
    "dated in no year of ours": ({"update": {"posted_at": "0001-01-01T00:00:00Z"}}, "update.posted_at"),
    "without an offset": ({"update": {"posted_at": "2026-03-02T09:00:00"}}, "update.posted_at"),
    "a status nobody knows": ({"update": {"status": "on_fire"}}, "update.status"),
    "no text at all": ({"update": {"body": {}}}, "update.body"),
    "an empty text": ({"update": {"body": {"en": " \n "}}}, "update.body.en"),
    "a text of a megabyte": ({"update": {"body": {"en": "x" * 1_000_000}}}, "update.body.en"),
    "300 components": ({"incident": {"components": [f"part-{n}" for n in range(300)]}}, "incident.components"),
    "300 times one component": ({"incident": {"components": ["checkout"] * 300}}, "incident.components"),
    "an unknown component": ({"incident": {"components": ["engine-room"]}}, "incident.components.0"),
    "an impact nobody knows": ({"incident": {"impact": "apocalyptic"}}, "incident.impact"),
}


@pytest.mark.parametrize(("changes", "field"), BROKEN.values(), ids=BROKEN.keys())
def test_what_is_broken_is_refused_by_name_and_leaves_no_trace(api: Api, changes: Json, field: str) -> None:
    api.post("/v1/events", json=an_event(1))
    answer = api.post("/v1/events", json=an_event(2, **changes))
    assert answer.status_code == 422
    assert [name for name in faults(answer) if name.startswith(field)]
    assert len(answer.content) < 20_000
    mended = api.post("/v1/events", json=an_event(2, update={"status": "identified"}))
    assert mended.json()["outcome"] == "accepted"
    assert timeline(api) == [("upd-1", "accepted"), ("upd-2", "accepted")]


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'"news"', b"{}", b"\xff\xfe"])
def test_what_is_no_event_is_refused(api: Api, body: bytes) -> None:
    answer = api.post("/v1/events", content=body)
    assert answer.status_code in (400, 422)
    assert faults(answer)
    assert api.get("/v1/incidents").json()["items"] == []


def test_a_body_over_the_limit_is_refused_and_the_next_event_is_taken(api: Api) -> None:
    answer = api.post("/v1/events", json=an_event(1, update={"body": {"en": "x" * 1_100_000}}))
    assert answer.status_code == 413
    assert set(faults(answer)) == {"body"}
    assert api.post("/v1/events", json=an_event(1)).json()["outcome"] == "accepted"


def test_an_update_from_before_the_incident_is_taken(api: Api) -> None:
    answer = api.post("/v1/events", json=an_event(1, incident={"started_at": moved(60)["posted_at"]}))
    assert (answer.status_code, answer.json()["outcome"]) == (202, "accepted")
    assert ("webhook", ["upd-1"]) in announced(api)


def test_an_update_dated_an_hour_ahead_does_not_silence_what_follows(api: Api) -> None:
    api.post("/v1/events", json=an_event(1, update=moved(60)))
    after = api.post("/v1/events", json=an_event(2, update={"status": "identified"} | moved(0.01)))
    assert after.json()["outcome"] == "accepted"
    assert [ids for channel, ids in announced(api) if channel == "webhook"] == [["upd-1"], ["upd-2"]]


def test_a_status_that_goes_back_is_news_like_any_other(api: Api) -> None:
    for number, status in enumerate(("investigating", "monitoring", "investigating", "resolved"), start=1):
        answer = api.post("/v1/events", json=an_event(number, update={"status": status}))
        assert answer.json()["outcome"] == "accepted"
    assert [ids for channel, ids in announced(api) if channel == "email"] == [["upd-1"], ["upd-2", "upd-3", "upd-4"]]


def test_an_update_older_than_what_was_said_is_kept_and_not_announced(api: Api) -> None:
    api.post("/v1/events", json=an_event(5))
    answer = api.post("/v1/events", json=an_event(2))
    assert answer.json()["outcome"] == "stale"
    assert timeline(api) == [("upd-2", "stale"), ("upd-5", "accepted")]
    assert {tuple(ids) for _, ids in announced(api)} == {("upd-5",)}


def test_one_piece_of_news_by_two_ways_is_told_once(api_anywhere: Api) -> None:
    """A page's webhook brings it, and somebody hands the same in over the API, under ids of their own."""
    page = "/v1/inbound/statuspage/cloud"
    ours = [{"code": "x", "name": "Webwinkel", "old_status": "operational", "new_status": "major_outage"}]
    updates = [
        statuspage_update(number, status, text, at=datetime.now(UTC) - timedelta(hours=3 - number))
        | {"affected_components": ours}
        for number, status, text in ((1, "investigating", "We are looking into it."), (2, "identified", "A line card."))
    ]
    for count in (1, 2):
        api_anywhere.post(page, json=statuspage(*updates[:count]))
    incident = api_anywhere.get("/v1/incidents/cloud.p31zjtct2jer").json()
    before = announced(api_anywhere, incident["id"])
    kept = ("id", "title", "impact", "components", "started_at", "links")
    for number, update in enumerate(incident["updates"]):
        event = {
            "id": f"by-hand-{number}",
            "incident": {name: incident[name] for name in kept},
            "update": {name: update[name] for name in ("status", "body", "posted_at")} | {"id": f"mine-{number}"},
        }
        answer = api_anywhere.post("/v1/events", json=event)
        assert answer.json()["outcome"] == "duplicate", answer.json()
    assert announced(api_anywhere, incident["id"]) == before
