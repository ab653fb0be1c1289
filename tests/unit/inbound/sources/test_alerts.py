import json
from datetime import UTC, datetime
from typing import Any

import pytest

from notifier.domain.errors import InvalidInputError
from notifier.domain.messages.brand import Component
from notifier.domain.proposals.signal import Report
from notifier.domain.proposals.source_rules import SourceKind
from notifier.domain.values import Impact
from notifier.inbound.integrations import ComponentNames
from notifier.inbound.sources.alerts import read_alertmanager, read_grafana
from notifier.inbound.sources.requests import InboundRequest, ReadingRules
from notifier.settings.sources import SourceSection

NOW = datetime(2026, 8, 1, 10, 0, tzinfo=UTC)
OURS = ComponentNames([Component(key="checkout", name={"en": "Checkout", "nl": "Afrekenen"})])


def rules(kind: SourceKind = SourceKind.ALERTMANAGER, **settings: Any) -> ReadingRules:
    section = SourceSection.model_validate({"name": "prom", "kind": kind} | settings)
    return ReadingRules(source=section.rules(), components=OURS, locale="en")


def an_alert(status: str = "firing", fingerprint: str = "a1", **labels: Any) -> dict[str, Any]:
    return {
        "status": status,
        "labels": labels,
        "annotations": {},
        "startsAt": "2026-08-01T09:57:30.123456789Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": fingerprint,
    }


def report(*alerts: dict[str, Any], read: ReadingRules | None = None, **changes: Any) -> Report:
    data = {"version": "4", "groupKey": "{}:{a}", "status": "firing", "alerts": list(alerts)} | changes
    request = InboundRequest(body=json.dumps(data).encode(), received_at=NOW)
    (found,) = read_alertmanager(request, read or rules())
    return found


def test_the_same_state_has_one_change_in_whatever_order_it_is_told() -> None:
    one, two = an_alert(), an_alert(fingerprint="b2")
    assert report(one, two).change == report(two, one, receiver="x").change
    assert report(one).change != report(an_alert("resolved")).change


def test_an_alert_without_a_fingerprint_is_known_by_its_labels() -> None:
    keys = {report(an_alert(fingerprint="", host=host)).alerts[0].key for host in ("a", "b", "a")}
    assert len(keys) == 2


def test_an_alert_has_one_key_while_it_fires_and_when_it_ends_under_another_group() -> None:
    firing, ended = report(an_alert()), report(an_alert("resolved"), groupKey="{}:{b}")
    assert firing.alerts[0].key == ended.alerts[0].key
    assert not ended.is_firing


@pytest.mark.parametrize("empty", [None, ""])
def test_what_is_null_or_empty_is_absent(empty: object) -> None:
    alert = an_alert() | {"labels": empty, "annotations": empty, "startsAt": empty, "fingerprint": None}
    found = report(alert, commonLabels=empty, commonAnnotations=empty, truncatedAlerts=None)
    assert found.alerts[0].started_at is None
    assert found.alerts[0].components == {}


def test_a_zero_time_is_no_time() -> None:
    assert report(an_alert() | {"startsAt": "0001-01-01T00:00:00Z"}).alerts[0].started_at is None


def test_version_3_with_a_number_for_the_group_is_read() -> None:
    found = report(an_alert(), version="3", groupKey=1234567890123456789)
    assert found.group == "1234567890123456789"


@pytest.mark.parametrize(
    ("labels", "impact"),
    [
        ({"severity": "Critical"}, Impact.MAJOR),
        ({"severity": "High"}, Impact.CRITICAL),
        ({"severity": "unheard-of"}, Impact.MINOR),
        ({}, Impact.MINOR),
    ],
)
def test_the_rules_say_what_a_severity_means(labels: dict[str, str], impact: Impact) -> None:
    assert report(an_alert(**labels), read=rules(impact={"high": "critical"})).alerts[0].impact is impact


def test_a_component_is_found_by_the_label_and_the_names_of_the_rules() -> None:
    read = rules(component_label="service", components={"pay-eu": "checkout"})
    found = [report(an_alert(service=name), read=read).alerts[0].components for name in ("pay-eu", "Afrekenen", "blog")]
    assert found == [{"checkout": None}, {"checkout": None}, {}]


@pytest.mark.parametrize(
    "labels",
    [
        {"alertname": "Watchdog"},
        {"alertname": "testalert", "instance": "Grafana"},
        {"severity": "None"},
        {"alertname": "DatasourceNoData"},
        {"alertname": "DatasourceError"},
    ],
)
def test_what_is_no_disruption_is_only_recorded(labels: dict[str, str]) -> None:
    assert report(an_alert(**labels)).ignored


def test_an_ignored_alert_beside_one_that_counts_is_left_out() -> None:
    found = report(an_alert(alertname="Watchdog"), an_alert(fingerprint="b2", alertname="CheckoutErrors"))
    assert found.ignored is None
    assert len(found.alerts) == 1


def test_the_words_of_alerts_are_for_operators_unless_the_rules_publish_them() -> None:
    said = {"summary": "Errors above 5 %", "description": "See *runbook*"}
    found = report(an_alert(), commonAnnotations=said)
    assert (found.title, found.detail, found.facts) == ("Errors above 5 %", "See *runbook*", {})
    published = report(an_alert(), commonAnnotations=said, read=rules(publish_texts=True)).facts
    assert published == {"title": {"en": "Errors above 5 %"}, "body": {"en": r"See \*runbook\*"}}


def test_a_group_that_was_truncated_is_not_whole() -> None:
    assert report(an_alert()).is_whole
    assert not report(an_alert(), truncatedAlerts=3).is_whole


GRAFANA = b"""{"receiver":"notifier","status":"firing","alerts":[{"status":"firing",
"labels":{"alertname":"CheckoutErrors","grafana_folder":"Shop","component":"checkout"},
"annotations":{"summary":"Checkout errors above 5 % in eu"},
"startsAt":"2026-08-01T09:57:30Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"https://grafana.example/alerting/r1",
"fingerprint":"c6eadffa33fcdf37","silenceURL":"","dashboardURL":"","panelURL":"","values":{"B":7.4},
"valueString":"[ var='B' value=7.4 ]"}],"groupLabels":{"alertname":"CheckoutErrors"},"commonLabels":{},
"commonAnnotations":{},"externalURL":"https://grafana.example/","version":"1","groupKey":"{}:{alertname=\\"CheckoutErrors\\"}",
"truncatedAlerts":0,"orgId":1,"title":"[FIRING:1] CheckoutErrors","state":"alerting","message":"**Firing**"}"""


def test_grafanas_own_body_is_read() -> None:
    (found,) = read_grafana(InboundRequest(body=GRAFANA, received_at=NOW), rules(SourceKind.GRAFANA))
    assert (found.kind, found.title) == ("grafana", "Checkout errors above 5 % in eu")
    assert found.link == "https://grafana.example/alerting/r1"
    assert found.alerts[0].components == {"checkout": None}


def test_a_body_of_a_custom_template_is_refused_by_name() -> None:
    with pytest.raises(InvalidInputError, match="groupKey"):
        read_grafana(InboundRequest(body=b'{"text": "boo"}', received_at=NOW), rules(SourceKind.GRAFANA))
