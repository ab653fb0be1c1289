from dataclasses import replace

import pytest

from notifier.domain.incidents.alert_group import AlertGroup, alert_event
from notifier.domain.values import Impact
from tests.unit.inbound.alert_groups import NOW, RULES, WORDING, an_alert, group


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
    event = alert_event(found, WORDING, incident_id=found.new_incident_id, now=NOW)
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


def test_a_beginning_that_alertmanager_does_not_know_is_survived() -> None:
    found = group(an_alert() | {"startsAt": "0001-01-01T00:00:00Z"})
    assert found.began_at.tzinfo is not None
