"""Another provider's page is read leniently, but never read as "all is well" by mistake."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from notifier.domain.proposals.polled_page import PageUnreadableError
from notifier.domain.proposals.upstream import UpstreamComponent, UpstreamIncident
from notifier.domain.values import ComponentStatus, Impact, Status
from notifier.inbound.sources.upstream_page import parse_upstream_page
from tests.support.status_page import an_incident


def parsed(*incidents: Any, **more: Any) -> tuple[UpstreamIncident, ...]:
    return parse_upstream_page(json.dumps({"incidents": list(incidents), **more}).encode()).incidents


def test_an_incident_is_read_with_its_components_its_link_and_its_newest_text() -> None:
    (found,) = parsed(an_incident(status="identified"), page={"name": "Edge Carrier"})
    assert (found.id, found.name, found.status, found.impact) == (
        "p31zjtct2jer",
        "Elevated errors",
        Status.IDENTIFIED,
        Impact.MAJOR,
    )
    assert found.components == (UpstreamComponent(("id-CDN/Cache", "CDN/Cache"), ComponentStatus.PARTIAL_OUTAGE),)
    assert found.link == "https://stspg.io/p31zjtct2jer"
    assert found.text == "We are\r\nlooking into it."
    assert found.started_at == datetime(2026, 8, 1, 9, 58, 3, 100_000, tzinfo=UTC)


def test_the_name_of_the_page_is_one_line() -> None:
    assert parse_upstream_page(b'{"page": {"name": "Edge\\nCarrier"}, "incidents": []}').name == "Edge Carrier"
    assert parse_upstream_page(b'{"page": null, "incidents": []}').name == ""


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<html>502 Bad Gateway</html>", "not JSON"),
        (b"", "not JSON"),
        (b"{}", "not a list of incidents"),
        (b'{"incidents": null}', "not a list of incidents"),
        (b'{"incidents": "none"}', "not a list of incidents"),
        (b"[]", "not a list of incidents"),
    ],
)
def test_what_lists_no_incidents_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(PageUnreadableError, match=said):
        parse_upstream_page(data)


def test_unknown_words_and_nulls_do_not_hide_an_incident() -> None:
    (found,) = parsed(
        {"id": "a", "name": None, "status": "exploding", "impact": "cosmic", "components": None, "new_field": 1}
    )
    assert (found.status, found.impact, found.components) == (Status.INVESTIGATING, Impact.MINOR, ())
    (other,) = parsed({"id": "b", "incident_updates": [None, {"id": 7}], "components": ["x", {"status": "odd"}]})
    assert other.components == (UpstreamComponent((), None),)
    assert parsed({"name": "without an id"}) == ()


def test_components_are_taken_from_the_newest_update_that_names_some_where_the_incident_has_none() -> None:
    affected = [{"code": "f0q6", "name": "Europe - Amsterdam (AMS)", "new_status": "major_outage"}]
    updates = [{"id": "2", "affected_components": None}, {"id": "1", "affected_components": affected}]
    (found,) = parsed(an_incident(components=(), incident_updates=updates))
    assert found.components == (
        UpstreamComponent(("f0q6", "Europe - Amsterdam (AMS)", "Amsterdam (AMS)"), ComponentStatus.MAJOR_OUTAGE),
    )


def test_an_incident_with_an_end_is_over_whatever_its_status_says() -> None:
    (found,) = parsed(an_incident(resolved_at="2026-08-01T11:00:00Z"))
    assert found.status is Status.RESOLVED


@pytest.mark.parametrize("link", ["javascript:alert(1)", "https://a b", "", None, "https://x/" + "y" * 3000])
def test_a_link_that_is_none_is_left_out(link: str | None) -> None:
    (found,) = parsed(an_incident(shortlink=link))
    assert found.link is None


def test_the_version_differs_after_an_edit_in_place_and_not_for_what_we_do_not_read() -> None:
    (before,), (same,) = parsed(an_incident()), parsed(an_incident(extra=1))
    edited = an_incident()
    edited["incident_updates"][0]["body"] = "A faulty line card was found."
    (after,) = parsed(edited)
    assert before.version == same.version != after.version
