"""Another content under a known update id: stored and readable, or refused by name; never an error of ours."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.functional.api.house import Api, an_event
from tests.functional.api.payloads import statuspage, statuspage_update


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
