"""What an incident of another provider means for our components."""

from datetime import UTC, datetime, timedelta

import pytest

from notifier.domain.proposals.source_rules import UpstreamMode, UpstreamRules
from notifier.domain.proposals.upstream import UpstreamComponent, UpstreamIncident, mapped, report_of
from notifier.domain.values import ComponentStatus, Impact, Status

NOW = datetime(2026, 8, 1, 10, tzinfo=UTC)
PARTIAL, MAJOR, FINE = ComponentStatus.PARTIAL_OUTAGE, ComponentStatus.MAJOR_OUTAGE, ComponentStatus.OPERATIONAL
MAPPING = {"CDN/Cache": ("storefront", "checkout"), "f0q6": ("api",), "Support": (), "*": ("backoffice",)}


def rules(mapping: dict[str, tuple[str, ...]] | None = None, least: Impact = Impact.MINOR) -> UpstreamRules:
    return UpstreamRules(
        name="cloudflare",
        url="https://status.example",
        every=timedelta(seconds=60),
        min_impact=least,
        components=MAPPING if mapping is None else mapping,
        mode=UpstreamMode.DRAFT,
    )


def incident(
    *components: UpstreamComponent,
    status: Status = Status.INVESTIGATING,
    impact: Impact = Impact.MAJOR,
    version: str = "1",
) -> UpstreamIncident:
    return UpstreamIncident(
        id="p31", name="Errors", status=status, impact=impact, components=components, version=version
    )


CDN = UpstreamComponent(("id-1", "CDN/Cache"), PARTIAL)


@pytest.mark.parametrize(
    ("components", "ours"),
    [
        ([CDN], {"checkout": PARTIAL, "storefront": PARTIAL}),
        ([UpstreamComponent((" cdn/cache ",), PARTIAL)], {"checkout": PARTIAL, "storefront": PARTIAL}),
        ([UpstreamComponent(("f0q6", "Amsterdam"), MAJOR)], {"api": MAJOR}),
        ([UpstreamComponent(("x", "DNS"), PARTIAL)], {"backoffice": PARTIAL}),
        ([UpstreamComponent(("y", "Support"), MAJOR)], {}),
        ([], {"backoffice": None}),
        ([CDN, UpstreamComponent(("CDN/Cache",), MAJOR)], {"checkout": MAJOR, "storefront": MAJOR}),
        ([CDN, UpstreamComponent(("f0q6",), FINE)], {"checkout": PARTIAL, "storefront": PARTIAL}),
        ([UpstreamComponent(("f0q6",), FINE)], {"api": FINE}),
    ],
)
def test_components_are_mapped_by_name_or_id_and_the_star_takes_all_others(
    components: list[UpstreamComponent], ours: dict[str, ComponentStatus | None]
) -> None:
    assert mapped(components, MAPPING) == ours


def test_without_a_star_what_is_not_mapped_concerns_nobody() -> None:
    unmapped = UpstreamComponent(("x", "DNS"), MAJOR)
    assert mapped([unmapped], {"CDN/Cache": ("storefront",)}) == {}
    report = report_of(incident(unmapped), "Edge Carrier", rules({"*": ()}), NOW)
    assert report.ignored is not None
    assert "none of our components" in report.ignored


@pytest.mark.parametrize(
    ("status", "impact", "said"),
    [
        (Status.INVESTIGATING, Impact.MINOR, "below min_impact"),
        (Status.INVESTIGATING, Impact.MAJOR, None),
        (Status.INVESTIGATING, Impact.MAINTENANCE, "planned work"),
        (Status.IN_PROGRESS, Impact.MAJOR, "planned work"),
    ],
)
def test_small_trouble_and_planned_work_are_only_recorded(status: Status, impact: Impact, said: str | None) -> None:
    report = report_of(incident(CDN, status=status, impact=impact), "Edge Carrier", rules(least=Impact.MAJOR), NOW)
    assert said in report.ignored if said and report.ignored else report.ignored is said


def test_a_report_names_the_page_and_links_it_where_the_incident_has_no_link() -> None:
    report = report_of(incident(CDN), "Edge Carrier", rules(), NOW)
    assert (report.source, report.kind, report.facts["page"]) == ("cloudflare", "upstream", "Edge Carrier")
    assert (report.link, report.title, report.is_firing) == ("https://status.example", "Errors", True)


def test_an_incident_stays_one_alert_until_its_end_and_every_change_is_told_apart() -> None:
    first = report_of(incident(CDN), "Edge Carrier", rules(), NOW)
    later = report_of(incident(CDN, version="2"), "Edge Carrier", rules(), NOW)
    ended = report_of(incident(CDN, status=Status.RESOLVED, version="3"), "Edge Carrier", rules(), NOW)
    assert first.alerts[0].key == later.alerts[0].key == ended.alerts[0].key
    assert len({first.change, later.change, ended.change}) == 3
    assert (later.is_firing, ended.is_firing) == (True, False)
