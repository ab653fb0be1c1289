from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from notifier.domain.errors import InvalidInputError
from notifier.domain.proposals.signal import Report
from notifier.domain.proposals.source_rules import SourceKind
from notifier.domain.values import Impact
from tests.unit.inbound.sources.readings import reports


def an_incident(status: str | None = "Started", **attributes: Any) -> dict[str, Any]:
    told = {
        "name": "Checkout",
        "url": "https://shop.example/checkout",
        "cause": "Status 503",
        "started_at": "2026-08-01T09:57:31.000Z",
        "acknowledged_at": None,
        "resolved_at": None,
        "status": status,
        "team_name": "Shop",
    }
    return {"data": {"id": "204815", "type": "incident", "attributes": told | attributes, "relationships": {}}}


def read(body: object, **settings: Any) -> Sequence[Report]:
    return reports(SourceKind.BETTER_STACK, body, **settings)


@pytest.mark.parametrize("status", ["Started", "ACKNOWLEDGED", "validating", "Reopened"])
def test_an_incident_fires_until_it_is_resolved(status: str) -> None:
    (report,) = read(an_incident(status))
    assert report.is_firing
    assert report.alerts[0].started_at == datetime(2026, 8, 1, 9, 57, 31, tzinfo=UTC)
    assert report.alerts[0].components == {"checkout": None}
    assert (report.title, report.detail) == ("Checkout", "Status 503")


@pytest.mark.parametrize("status", ["Resolved", None])
def test_a_resolved_incident_has_ended(status: str | None) -> None:
    (started,), (ended,) = read(an_incident()), read(an_incident(status, resolved_at="2026-08-01T10:05:00Z"))
    assert not ended.is_firing
    assert ended.alerts[0].key == started.alerts[0].key
    assert ended.change != started.change


def test_an_incident_that_is_reopened_fires_under_the_same_key() -> None:
    (started,), (again,) = read(an_incident()), read(an_incident("Started", acknowledged_at="2026-08-01T10:09:00Z"))
    assert again == started


def test_what_is_not_confirmed_or_no_incident_tells_of_nothing() -> None:
    comment = {"data": {"id": "1", "type": "monitor", "attributes": {"status": "down"}}}
    assert [read(an_incident("Unconfirmed")), read(comment)] == [[], []]


def test_a_comment_changes_nothing() -> None:
    assert read(an_incident() | {"comment": {"id": 1, "content": "Looking"}}) == read(an_incident())


def test_a_monitor_beside_the_incident_names_the_component_too() -> None:
    included = [{"id": "1", "type": "monitor", "attributes": {"pronounceable_name": "Storefront", "url": None}}]
    (report,) = read(an_incident(name="shop.example") | {"included": included})
    assert report.alerts[0].components == {"storefront": None}


def test_a_team_may_decide_the_impact() -> None:
    (report,) = read(an_incident(), severity_label="team", impact={"Shop": "critical"})
    assert report.alerts[0].impact is Impact.CRITICAL


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "data"),
        ({"data": {"attributes": {}}}, "data.id"),
        ({"data": {"id": "1"}}, "data.attributes"),
        ({"data": {"id": "1", "attributes": {"started_at": "hunter2"}}}, "data.attributes.started_at"),
    ],
)
def test_a_fault_is_named_without_its_value(body: object, field: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read(body)
    assert refused.value.errors[0].field == field
    assert "hunter2" not in str(refused.value)
