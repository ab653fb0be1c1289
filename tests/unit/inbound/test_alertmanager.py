import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from notifier.domain.messages.brand import Component
from notifier.domain.values import Impact, Status
from notifier.inbound.alert_texts import neutral_texts
from notifier.inbound.alertmanager import AlertGroup, AlertRules, alert_event, parse_alerts
from notifier.inbound.integrations import ComponentNames

NOW = datetime(2026, 8, 1, 10, 0, tzinfo=UTC)
RULES = AlertRules(
    texts=neutral_texts(["en", "nl"]),
    components=ComponentNames([Component(key="checkout", name={"en": "Checkout", "nl": "Afrekenen"})]),
    locale="en",
)


def an_alert(status: str = "firing", fingerprint: str = "a1", **labels: str) -> dict[str, Any]:
    return {
        "status": status,
        "labels": labels,
        "annotations": {},
        "startsAt": "2026-08-01T09:57:30.123456789Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": fingerprint,
    }


def group(*alerts: dict[str, Any], rules: AlertRules = RULES, **changes: Any) -> AlertGroup:
    status = "firing" if any(alert["status"] == "firing" for alert in alerts) else "resolved"
    data = {"version": "4", "groupKey": "{}:{a}", "status": status, "alerts": list(alerts)} | changes
    return parse_alerts(json.dumps(data).encode(), source="prom", rules=rules)


def test_the_same_state_has_one_event_id_in_whatever_order_it_is_told() -> None:
    one, two = an_alert(), an_alert(fingerprint="b2")
    assert group(one, two).event_id == group(two, one, notification_reason="unknown", receiver="x").event_id


@pytest.mark.parametrize(
    "other",
    [
        group(an_alert(), an_alert(fingerprint="b2")),
        group(an_alert("resolved")),
        group(an_alert() | {"startsAt": "2026-08-01T09:58:00Z"}),
        group(an_alert(), groupKey="{}:{b}"),
    ],
)
def test_another_state_is_another_event(other: AlertGroup) -> None:
    assert other.event_id != group(an_alert()).event_id


def test_alerts_without_fingerprints_are_told_apart_by_their_labels() -> None:
    assert group(an_alert(fingerprint="", host="a")).event_id != group(an_alert(fingerprint="", host="b")).event_id


def test_ids_fit_whatever_the_group_is_called() -> None:
    found = group(an_alert(), groupKey="x" * 10_000)
    event = alert_event(found, RULES, incident_id=found.new_incident_id, now=NOW)
    assert max(map(len, (event.id, event.incident.id, event.update.id, event.source))) <= 100


def test_components_are_found_by_label_in_any_language_and_others_left_out() -> None:
    found = group(an_alert(component="Afrekenen"), an_alert(fingerprint="b2", component="db-7"))
    assert found.components == ("checkout",)


@pytest.mark.parametrize(
    ("severities", "impact"),
    [
        (["critical", "info"], Impact.MAJOR),
        (["WARNING "], Impact.MINOR),
        (["info"], Impact.NONE),
        (["?"], Impact.MINOR),
    ],
)
def test_the_worst_severity_decides(severities: list[str], impact: Impact) -> None:
    alerts = [an_alert(fingerprint=str(place), severity=name) for place, name in enumerate(severities)]
    assert group(*alerts).impact is impact


def test_severities_and_labels_can_be_configured() -> None:
    rules = replace(RULES, severity_label="prio", impacts={"p1": Impact.CRITICAL}, default_impact=Impact.NONE)
    assert group(an_alert(prio="P1"), rules=rules).impact is Impact.CRITICAL
    assert group(an_alert(severity="critical"), rules=rules).impact is Impact.NONE


def test_words_are_neutral_unless_publishing_was_asked_for() -> None:
    told = {"summary": "db-7 *melts*", "description": "ask @joe\n# now"}
    quiet = group(an_alert(), commonAnnotations=told)
    assert (quiet.title, quiet.body) == (None, None)
    loud = group(an_alert(), rules=replace(RULES, publish_texts=True), commonAnnotations=told)
    event = alert_event(loud, RULES, incident_id="i", now=NOW)
    assert event.incident.title == {"en": "db-7 *melts*"}
    assert event.update.body == {"en": "ask @joe\\\n\\# now"}


def test_an_event_is_a_monitors_and_says_what_its_state_says() -> None:
    firing = alert_event(group(an_alert()), RULES, incident_id="i", now=NOW)
    calm = alert_event(group(an_alert("resolved")), RULES, incident_id="i", now=NOW)
    over = alert_event(group(an_alert("resolved")), replace(RULES, when_calm=Status.RESOLVED), incident_id="i", now=NOW)
    assert all(event.automatic for event in (firing, calm, over))
    assert [event.update.status for event in (firing, calm, over)] == [
        Status.INVESTIGATING,
        Status.MONITORING,
        Status.RESOLVED,
    ]
    assert [event.update.body for event in (firing, calm, over)] == [
        RULES.texts.firing,
        RULES.texts.calm,
        RULES.texts.over,
    ]


def test_a_beginning_that_alertmanager_does_not_know_is_survived() -> None:
    found = group(an_alert() | {"startsAt": "0001-01-01T00:00:00Z"})
    assert found.began_at.tzinfo is not None


def test_neutral_words_exist_in_every_offered_language_that_has_them() -> None:
    assert neutral_texts(["nl", "xx"]).title.keys() == {"nl"}
    assert neutral_texts(["xx"]).title.keys() == {"en"}
