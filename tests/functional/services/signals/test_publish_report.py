"""Reports of sources that may announce: as alerts move between groups, their incident goes on and ends."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.functional.api.api_client import Api, Json
from tests.functional.api.payloads import alert_group, an_alert

START = datetime(2026, 8, 1, 9, 57, 30, tzinfo=UTC)
PROM = "/v1/inbound/alertmanager/prom"


def told(api: Api, *alerts: Json, group: str = "A") -> Json:
    answer = api.post(PROM, json=alert_group(*alerts, groupKey=group))
    assert answer.status_code == 202, answer.text
    found: Json = answer.json()
    return found


def test_an_alert_that_fires_on_under_another_group_key_continues_its_incident(api_anywhere: Api) -> None:
    api = api_anywhere
    first = told(api, an_alert(at=START))
    again = told(api, an_alert(at=START), group="B")
    assert (again["outcome"], again["incident_id"]) == ("duplicate", first["incident_id"])
    assert len(api.get("/v1/incidents").json()["items"]) == 1


def test_an_end_under_another_group_key_ends_the_incident(api_anywhere: Api) -> None:
    api = api_anywhere
    first = told(api, an_alert(at=START))
    end = told(api, an_alert("resolved", at=START), group="B")
    assert (end["outcome"], end["incident_id"]) == ("accepted", first["incident_id"])
    assert api.get(f"/v1/incidents/{first['incident_id']}").json()["status"] == "monitoring"


def test_an_incident_is_not_over_while_an_alert_of_it_fires_under_another_group(api: Api) -> None:
    first = told(api, an_alert(at=START, fingerprint="a"))
    told(api, an_alert(at=START, fingerprint="a"), an_alert(at=START, fingerprint="b"), group="B")
    told(api, an_alert("resolved", at=START, fingerprint="a"))
    incident = f"/v1/incidents/{first['incident_id']}"
    assert api.get(incident).json()["status"] == "investigating"
    told(api, an_alert("resolved", at=START, fingerprint="b"), group="B")
    assert api.get(incident).json()["status"] == "monitoring"


@pytest.mark.parametrize("labels", [{"alertname": "TestAlert", "instance": "Grafana"}, {"severity": "none"}])
def test_what_is_no_disruption_is_recorded_and_told_to_nobody(api: Api, labels: dict[str, str]) -> None:
    answer = told(api, an_alert(at=START, **labels))
    assert (answer["outcome"], answer["incident_id"]) == ("recorded", None)
    assert api.get("/v1/signals?state=ignored").json()["items"][0]["id"] == answer["signal_id"]
    assert api.get("/v1/incidents").json()["items"] == []


def test_an_alert_without_a_time_begins_when_its_report_comes(api: Api) -> None:
    before = datetime.now(UTC)
    answer = told(api, an_alert(at=START) | {"startsAt": "0001-01-01T00:00:00Z"})
    began = datetime.fromisoformat(api.get(f"/v1/incidents/{answer['incident_id']}").json()["started_at"])
    assert before - timedelta(seconds=1) <= began <= datetime.now(UTC)


def test_an_alert_that_comes_again_after_its_end_is_no_duplicate(api_with: Callable[[str], Api]) -> None:
    api = api_with('[[sources]]\nname = "kuma"\nkind = "uptime_kuma"\nmode = "publish"\n')
    outcomes = []
    for status in (0, 1, 0):
        body = {
            "heartbeat": {"monitorID": 7, "status": status, "time": "2026-08-01 09:57:31.204", "msg": "x"},
            "monitor": {"id": 7, "name": "Checkout"},
            "msg": "[Checkout]",
        }
        outcomes.append(api.post("/v1/inbound/uptime_kuma/kuma", json=body).json()["outcome"])
    assert outcomes == ["accepted"] * 3
