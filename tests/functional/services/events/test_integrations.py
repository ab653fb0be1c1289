from datetime import timedelta

import pytest
from sqlalchemy import select

from notifier.storage import tables as t
from tests.functional.api.api_client import Api, faults
from tests.functional.api.payloads import alert_group, an_alert
from tests.functional.services.events.alerts import PROM, START, Clock, calm

pytestmark = pytest.mark.usefixtures("clock")


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


def test_what_ends_before_anybody_heard_of_it_opens_nothing(api: Api) -> None:
    told = api.post(PROM, json=alert_group(an_alert("resolved", at=START))).json()
    assert (told["outcome"], told["incident_id"]) == ("recorded", None)
    assert api.get("/v1/incidents").json()["items"] == []


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
