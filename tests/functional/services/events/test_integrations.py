from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from notifier.bootstrap.api_container import ApiContainer
from notifier.inbound.alert_texts import neutral_texts
from notifier.services.events.auto_resolve import AutoResolve
from notifier.storage import tables as t
from tests.functional.api.api_client import Api, an_event, faults
from tests.functional.api.payloads import alert_group, an_alert

START = datetime(2026, 8, 1, 9, 57, 30, tzinfo=UTC)
PROM = "/v1/inbound/alertmanager/prom"


class Clock:
    def __init__(self) -> None:
        self.now = START + timedelta(minutes=1)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(container: ApiContainer) -> Clock:
    found = Clock()
    container.clock = found
    return found


@pytest.fixture
def api(clock: Clock, api: Api) -> Api:
    """The API of conftest.py under a clock that the test moves."""
    del clock
    return api


@pytest.fixture
def clock_anywhere(container_anywhere: ApiContainer) -> Clock:
    found = Clock()
    container_anywhere.clock = found
    return found


def calm(api: Api, clock: Clock) -> int:
    container = api.container
    return AutoResolve(container.database, clock, container.ingest, neutral_texts(["en", "nl"])).run()


def test_a_firing_group_opens_an_incident_in_neutral_words(api: Api) -> None:
    told = api.post(PROM, json=alert_group(an_alert(at=START))).json()
    assert told["outcome"] == "accepted"
    shown = api.get(f"/v1/incidents/{told['incident_id']}").json()
    assert (shown["status"], shown["impact"]) == ("investigating", "major")
    assert shown["components"] == [{"key": "checkout", "status": None}]
    assert shown["title"] == {
        "en": "Possible disruption",
        "nl": "Mogelijke storing",
        "de": "Mögliche Störung",
        "fr": "Perturbation possible",
    }
    assert "5 %" not in str(shown)
    assert shown["started_at"] == "2026-08-01T09:57:30.123456Z"


@pytest.mark.parametrize(
    ("severity", "impact"),
    [("critical", "major"), ("warning", "minor"), ("info", "none"), ("page-me", "minor"), ("", "minor")],
)
def test_severity_becomes_impact(api: Api, severity: str, impact: str) -> None:
    told = api.post(PROM, json=alert_group(an_alert(at=START, severity=severity))).json()
    assert api.get(f"/v1/incidents/{told['incident_id']}").json()["impact"] == impact


def test_the_worst_firing_alert_decides(api: Api) -> None:
    group = alert_group(
        an_alert(at=START, severity="warning"),
        an_alert("resolved", at=START, severity="critical", fingerprint="b"),
        an_alert(at=START, severity="info", fingerprint="c"),
    )
    told = api.post(PROM, json=group).json()
    assert api.get(f"/v1/incidents/{told['incident_id']}").json()["impact"] == "minor"


def test_repeats_of_either_member_of_a_cluster_are_duplicates(api: Api) -> None:
    one, two = an_alert(at=START), an_alert(at=START, fingerprint="b")
    assert api.post(PROM, json=alert_group(one, two)).json()["outcome"] == "accepted"
    again = alert_group(two, one, notification_reason="repeat interval elapsed", externalURL="https://other.example")
    assert api.post(PROM, json=again).json()["outcome"] == "duplicate"


def test_another_alert_that_changes_nothing_for_readers_is_a_duplicate(api: Api) -> None:
    api.post(PROM, json=alert_group(an_alert(at=START)))
    more = alert_group(an_alert(at=START), an_alert(at=START, fingerprint="b"))
    assert api.post(PROM, json=more).json()["outcome"] == "duplicate"


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


def test_what_ends_before_anybody_heard_of_it_opens_nothing(api: Api) -> None:
    told = api.post(PROM, json=alert_group(an_alert("resolved", at=START))).json()
    assert (told["outcome"], told["incident_id"]) == ("recorded", None)
    assert api.get("/v1/incidents").json()["items"] == []


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


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "groupKey"),
        (alert_group(an_alert(at=START), status="burning"), "status"),
        (alert_group() | {"status": "firing"}, "alerts"),
        (alert_group(an_alert(at=START) | {"startsAt": "yesterday"}), "alerts.0.startsAt"),
    ],
)
def test_what_is_no_alert_group_is_refused_by_name(api: Api, body: dict[str, object], field: str) -> None:
    answer = api.post(PROM, json=body)
    assert answer.status_code == 422
    assert field in faults(answer)


def test_an_alert_that_names_no_component_of_ours_claims_nothing_about_any(api: Api, clock: Clock) -> None:
    """`AutoResolve` ends it later: that claims nothing either."""
    told = api.post(PROM, json=alert_group(an_alert(at=START, component="", service="api"))).json()
    api.post(PROM, json=alert_group(an_alert("resolved", at=START, component="", service="api")))
    clock.now += timedelta(minutes=10)
    assert calm(api, clock) == 1
    assert api.get(f"/v1/incidents/{told['incident_id']}").json()["status"] == "resolved"
    with api.container.database.read() as connection:
        said = connection.execute(select(t.incident_update.c.incident).order_by(t.incident_update.c.number)).scalars()
        assert [(item["components"], item["components_known"]) for item in said] == [([], False)] * 3
