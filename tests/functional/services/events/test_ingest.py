"""Another content under a known update id: stored and readable, or refused by name; never an error of ours."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.functional.api.api_client import ADMIN, Api, an_event, faults
from tests.functional.api.payloads import alert_group, an_alert, statuspage, statuspage_update


@pytest.mark.parametrize("minutes", [-30, 0, 5])
@pytest.mark.parametrize(
    "incident",
    [
        {"impact": "critical"},
        {"components": [{"key": "api", "status": "major_outage"}]},
        {"scheduled_for": "2026-12-01T10:00:00Z", "scheduled_until": "2026-12-01T11:00:00Z"},
    ],
)
def test_new_facts_under_a_known_update_id_are_stored_whatever_their_date(
    api_anywhere: Api, minutes: int, incident: dict[str, Any]
) -> None:
    posted = datetime.now(UTC) - timedelta(minutes=10)
    api_anywhere.post("/v1/events", json=an_event(1, update={"posted_at": posted.isoformat()}))
    moved = (posted + timedelta(minutes=minutes)).isoformat()
    edit = an_event(2, update={"id": "upd-1", "posted_at": moved}, incident=incident)
    answer = api_anywhere.post("/v1/events", json=edit)
    assert (answer.status_code, answer.json()["outcome"]) == (202, "accepted")
    shown = api_anywhere.get("/v1/incidents/inc-1").json()
    for name, told in incident.items():
        assert shown[name] == told
    (update,) = shown["updates"]
    assert datetime.fromisoformat(update["posted_at"]) == max(posted, datetime.fromisoformat(moved))


def test_a_rise_that_a_statuspage_writes_into_an_old_update_is_told(api_anywhere: Api) -> None:
    now = datetime.now(UTC)
    first = statuspage_update(1, "investigating", "Looking.", at=now - timedelta(minutes=9))
    api_anywhere.post("/v1/inbound/statuspage/own", json=statuspage(first, impact="minor"))
    later = statuspage_update(1, "investigating", "Looking.", at=now - timedelta(minutes=2))
    answer = api_anywhere.post("/v1/inbound/statuspage/own", json=statuspage(later, impact="critical"))
    assert (answer.status_code, answer.json()["outcome"]) == (202, "accepted")
    assert api_anywhere.get("/v1/incidents/own.p31zjtct2jer").json()["impact"] == "critical"


def _texts(words: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, str]]:
    return st.dictionaries(st.sampled_from(["en", "nl"]), words, min_size=1)


WORDS = st.sampled_from(["Looking.", "Found it.", "Vorbei. Ümlaut & <b>", "x" * 300])
COMPONENTS = st.lists(
    st.one_of(
        st.sampled_from(["checkout", "api"]),
        st.fixed_dictionaries(
            {"key": st.just("storefront"), "status": st.sampled_from(["operational", "major_outage", None])}
        ),
    ),
    unique_by=str,
    max_size=3,
)
WINDOWS = st.sampled_from([None, "2026-12-01T10:00:00Z", "2026-12-02T10:00:00+01:00", "not a time"])
INCIDENTS = st.fixed_dictionaries(
    {},
    optional={
        "title": _texts(WORDS),
        "impact": st.sampled_from(["none", "minor", "major", "critical", "maintenance"]),
        "components": COMPONENTS,
        "scheduled_for": WINDOWS,
        "scheduled_until": WINDOWS,
        "started_at": WINDOWS,
        "links": st.lists(st.sampled_from(["https://a.example", "https://b.example/x"]), max_size=2),
    },
)
STATUSES = st.sampled_from(
    ["investigating", "identified", "monitoring", "resolved", "postmortem", "scheduled", "in_progress", "completed"]
)
UPDATES = st.fixed_dictionaries({}, optional={"body": _texts(WORDS), "status": STATUSES})
FLAGS = st.fixed_dictionaries(
    {}, optional={"notify": st.booleans(), "visible": st.booleans(), "announce_edits": st.booleans()}
)
MINUTES = st.one_of(st.none(), st.integers(-3000, 20))
EDITS = st.lists(st.tuples(INCIDENTS, UPDATES, FLAGS, MINUTES), min_size=1, max_size=4)


@settings(max_examples=24, suppress_health_check=list(HealthCheck))
@given(edits=EDITS, guarded=st.booleans())
def test_any_edit_is_stored_or_refused_by_name(api_anywhere: Api, edits: list[Any], *, guarded: bool) -> None:
    api, name = api_anywhere, f"inc-{uuid4()}"
    now = datetime.now(UTC)
    key = {"Authorization": f"Bearer {api.key('publish') if guarded else ADMIN}"}
    first = an_event(id=f"{name}-0", incident={"id": name})
    assert api.post("/v1/events", json=first).status_code == 202
    for number, (incident, update, flags, minutes) in enumerate(edits, start=1):
        event = an_event(id=f"{name}-{number}", incident={"id": name} | incident, update=update) | flags
        if minutes is None:
            del event["update"]["posted_at"]
        else:
            event["update"]["posted_at"] = (now + timedelta(minutes=minutes)).isoformat()
        answer = api.post("/v1/events", json=event, headers=key)
        assert answer.status_code in {202, 422}, answer.text
        if answer.status_code == 422:
            assert faults(answer)
            continue
        shown = api.get(f"/v1/incidents/{name}").json()
        assert [item["id"] for item in shown["updates"]] == ["upd-1"]
        if answer.json()["outcome"] != "duplicate" and not answer.json()["held"]:
            assert shown["updates"][0]["body"] == event["update"]["body"]
            assert shown["status"] == event["update"]["status"]
            assert (shown["title"], shown["links"]) == (event["incident"]["title"], event["incident"].get("links", []))
            assert shown["updates"][0]["visible"] is flags.get("visible", True)


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(
    edits=st.lists(
        st.tuples(
            st.sampled_from(["investigating", "identified", "resolved"]),
            st.sampled_from(["minor", "critical", "none"]),
            st.sampled_from(["operational", "major_outage", "partial_outage"]),
            st.integers(-3000, 5),
            st.integers(-3000, 5),
            WORDS,
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_edit_of_a_statuspages_update_is_stored(api_anywhere: Api, edits: list[Any]) -> None:
    page, now = f"page{uuid4().hex[:12]}", datetime.now(UTC)
    for status, impact, health, shown_at, edited_at, words in edits:
        affected = {"code": "c", "name": "Checkout", "old_status": "operational", "new_status": health}
        update = statuspage_update(1, status, words, at=now, affected_components=[affected]) | {
            "display_at": (now + timedelta(minutes=shown_at)).isoformat(),
            "updated_at": (now + timedelta(minutes=edited_at)).isoformat(),
        }
        answer = api_anywhere.post("/v1/inbound/statuspage/own", json=statuspage(update, impact=impact, id=page))
        assert answer.status_code == 202, answer.text
        shown = api_anywhere.get(f"/v1/incidents/own.{page}").json()
        if answer.json()["outcome"] != "duplicate":
            assert (shown["status"], shown["impact"]) == (status, impact)


@settings(max_examples=10, suppress_health_check=list(HealthCheck))
@given(
    rounds=st.lists(
        st.tuples(
            st.sampled_from(["firing", "resolved"]), st.sampled_from(["critical", "warning"]), st.integers(-9, 0)
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_change_of_an_alert_group_is_taken(api_anywhere: Api, rounds: list[Any]) -> None:
    group_key, now = uuid4().hex, datetime.now(UTC).replace(microsecond=0)
    for status, severity, minutes in rounds:
        alert = an_alert(status, at=now + timedelta(minutes=minutes), severity=severity, fingerprint=group_key)
        answer = api_anywhere.post("/v1/inbound/alertmanager/prom", json=alert_group(alert, groupKey=group_key))
        assert answer.status_code == 202, answer.text
        incident = answer.json()["incident_id"]
        assert incident is None or api_anywhere.get(f"/v1/incidents/{incident}").status_code == 200
