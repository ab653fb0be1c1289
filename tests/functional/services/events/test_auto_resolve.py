from datetime import timedelta

from tests.functional.api.api_client import Api, an_event
from tests.functional.api.payloads import alert_group, an_alert
from tests.functional.services.events.alerts import PROM, START, Clock, calm


def test_all_resolved_is_monitoring_and_resolved_once_it_stayed_calm(api_anywhere: Api, clock_anywhere: Clock) -> None:
    api, clock = api_anywhere, clock_anywhere
    incident = api.post(PROM, json=alert_group(an_alert(at=START))).json()["incident_id"]
    clock.now += timedelta(minutes=10)
    told = api.post(PROM, json=alert_group(an_alert("resolved", at=START))).json()
    assert (told["outcome"], told["incident_id"]) == ("accepted", incident)
    assert api.get(f"/v1/incidents/{incident}").json()["status"] == "monitoring"
    clock.now += timedelta(minutes=4)
    assert calm(api, clock) == 0
    clock.now += timedelta(minutes=2)
    assert calm(api, clock) == 1
    assert calm(api, clock) == 0
    shown = api.get(f"/v1/incidents/{incident}").json()
    assert shown["status"] == "resolved"
    assert [update["outcome"] for update in shown["updates"]] == ["accepted"] * 3


def test_trouble_that_comes_back_takes_the_calm_back(api: Api, clock: Clock) -> None:
    api.post(PROM, json=alert_group(an_alert(at=START)))
    clock.now += timedelta(minutes=1)
    api.post(PROM, json=alert_group(an_alert("resolved", at=START)))
    clock.now += timedelta(minutes=1)
    told = api.post(PROM, json=alert_group(an_alert(at=START + timedelta(minutes=2)))).json()
    assert told["outcome"] == "accepted"
    clock.now += timedelta(minutes=30)
    assert calm(api, clock) == 0
    assert api.get(f"/v1/incidents/{told['incident_id']}").json()["status"] == "investigating"


def test_trouble_long_after_the_end_is_another_incident(api_anywhere: Api, clock_anywhere: Clock) -> None:
    api, clock = api_anywhere, clock_anywhere
    first = api.post(PROM, json=alert_group(an_alert(at=START))).json()["incident_id"]
    clock.now += timedelta(minutes=1)
    api.post(PROM, json=alert_group(an_alert("resolved", at=START)))
    clock.now += timedelta(minutes=10)
    calm(api, clock)
    clock.now += timedelta(days=3)
    second = api.post(PROM, json=alert_group(an_alert(at=clock.now - timedelta(minutes=1)))).json()
    assert second["outcome"] == "accepted"
    assert second["incident_id"] != first


def test_alerts_keep_out_of_the_way_of_a_person(api_anywhere: Api, clock_anywhere: Clock) -> None:
    api, clock = api_anywhere, clock_anywhere
    incident = api.post(PROM, json=alert_group(an_alert(at=START))).json()["incident_id"]
    clock.now += timedelta(minutes=5)
    by_hand = an_event(
        7,
        incident={"id": incident, "components": ["checkout"]},
        update={"status": "identified", "posted_at": clock.now.isoformat()},
    )
    assert api.post("/v1/events", json=by_hand).json()["outcome"] == "accepted"
    clock.now += timedelta(minutes=5)
    told = api.post(PROM, json=alert_group(an_alert("resolved", at=START))).json()
    assert (told["outcome"], told["reason"]) == ("recorded", "a person has taken this incident over")
    assert api.get(f"/v1/incidents/{incident}").json()["status"] == "identified"
