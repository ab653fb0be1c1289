import json
from datetime import UTC, datetime
from typing import Any

import pytest

from notifier.domain.errors import InvalidInputError
from notifier.domain.incidents.incident import AffectedComponent, Event
from notifier.domain.incidents.status_news import ComponentNews, IncidentNews
from notifier.domain.messages.brand import Component
from notifier.domain.proposals.page_languages import marked_languages
from notifier.domain.values import ComponentStatus, Impact, Status
from notifier.inbound.integrations import ComponentNames
from notifier.inbound.statuspage import MAX_UPDATES, PageSource, parse_statuspage, parse_statuspage_listing, worst_of

PAGE = PageSource(source="cloud", locale="en", components=ComponentNames([]))


def an_update(number: int, status: str = "investigating", **changes: Any) -> dict[str, Any]:
    at = f"2026-08-01T{number // 60:02}:{number % 60:02}:00.000Z"
    return {
        "id": f"u{number}",
        "status": status,
        "body": f"Number {number}.",
        "created_at": at,
        "updated_at": at,
    } | changes


def payload(*newest_first: dict[str, Any], **changes: Any) -> bytes:
    incident = {
        "id": "p31z",
        "name": "Elevated errors",
        "status": newest_first[0]["status"] if newest_first else "investigating",
        "impact": "minor",
        "created_at": "2026-08-01T00:00:00.000Z",
        "incident_updates": list(newest_first),
    }
    return json.dumps({"incident": incident | changes}).encode()


def incident_news(data: bytes) -> IncidentNews:
    news = parse_statuspage(data, PAGE)
    assert isinstance(news, IncidentNews)
    return news


def test_the_timeline_comes_oldest_first_and_only_the_newest_speaks() -> None:
    events = incident_news(payload(an_update(3, "identified"), an_update(2), an_update(1))).events
    assert [event.update.id for event in events] == ["u1", "u2", "u3"]
    assert [event.notify for event in events] == [False, False, True]
    assert not any(event.automatic for event in events)
    assert {event.incident.id for event in events} == {"cloud.p31z"}


def test_a_page_that_lists_oldest_first_is_read_all_the_same() -> None:
    events = incident_news(payload(an_update(1), an_update(2), an_update(3, "identified"), status="identified")).events
    assert [event.update.id for event in events] == ["u1", "u2", "u3"]


def test_an_update_has_one_event_id_whether_it_is_news_or_history() -> None:
    first = incident_news(payload(an_update(1))).events[0]
    later = incident_news(payload(an_update(2, "identified"), an_update(1))).events[0]
    assert first.id == later.id


def test_an_edit_in_place_is_another_event_of_the_same_update() -> None:
    before = incident_news(payload(an_update(1))).events[0]
    after = incident_news(payload(an_update(1, body="Other words.", updated_at="2026-08-01T00:09:00Z"))).events[0]
    assert (before.update.id, before.id != after.id) == (after.update.id, True)


def test_times_with_other_offsets_and_a_later_display_are_understood() -> None:
    shown = an_update(1, display_at="2026-08-01T03:00:00.123-06:00")
    event = incident_news(payload(shown)).events[0]
    assert event.update.posted_at == datetime(2026, 8, 1, 9, 0, 0, 123000, tzinfo=UTC)


def test_an_incident_without_a_timeline_still_has_a_state() -> None:
    event = incident_news(payload(status="monitoring", updated_at="2026-08-01T00:05:00Z")).events[0]
    assert (event.update.status, event.update.body) == (Status.MONITORING, {"en": "Elevated errors"})


def test_a_state_that_no_update_tells_is_told_and_no_update_is_rewritten_to_it() -> None:
    quiet = an_update(2, "monitoring", deliver_notifications=False)
    for last, loud in ((an_update(2, "monitoring"), True), (quiet, False)):
        events = incident_news(payload(last, an_update(1), status="resolved")).events
        said = [(event.update.id, event.update.status, event.update.body["en"]) for event in events]
        assert said == [
            ("u1", Status.INVESTIGATING, "Number 1."),
            ("u2", Status.MONITORING, "Number 2."),
            ("p31z-resolved", Status.RESOLVED, "Elevated errors"),
        ]
        assert [event.notify for event in events] == [False, False, loud]
        assert events[-1].update.ordered_at >= events[1].update.ordered_at


def test_the_update_created_last_is_the_news_though_it_is_displayed_before_another() -> None:
    backdated = an_update(3, "resolved", display_at="2026-08-01T00:01:30.000Z")
    events = incident_news(payload(an_update(2, "monitoring"), backdated, an_update(1), status="resolved")).events
    told = [(event.update.id, event.update.status, event.update.body["en"], event.notify) for event in events]
    assert told == [
        ("u1", Status.INVESTIGATING, "Number 1.", False),
        ("u2", Status.MONITORING, "Number 2.", False),
        ("u3", Status.RESOLVED, "Number 3.", True),
    ]
    assert events[-1].update.posted_at == datetime(2026, 8, 1, 0, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("body", [None, "", "  \r\n "])
def test_an_update_without_words_says_the_incidents_name(body: str | None) -> None:
    assert incident_news(payload(an_update(1, body=body))).events[0].update.body == {"en": "Elevated errors"}


def test_a_timeline_without_end_is_cut_at_its_old_end() -> None:
    events = incident_news(payload(*(an_update(number) for number in reversed(range(500))))).events
    assert len(events) == MAX_UPDATES
    assert events[-1].update.id == "u499"


def test_fields_nobody_knows_are_ignored() -> None:
    data = json.loads(payload(an_update(1, wants_twitter_update=False, new_thing={"a": [1]}), impact_override=None))
    data |= {"meta": {"unsubscribe": "https://x.example/?unsubscribe=1"}, "page": 7}
    assert incident_news(json.dumps(data).encode()).events[0].incident.impact is Impact.MINOR


@pytest.mark.parametrize("link", ["javascript:alert(1)", "", "https://a b", "ftp://x", "https://" + "x" * 3000, None])
def test_a_link_that_is_none_is_left_out(link: str | None) -> None:
    assert incident_news(payload(an_update(1), shortlink=link)).events[0].incident.links == ()


def test_what_an_update_says_of_components_goes_before_the_incidents_list() -> None:
    listed = [
        {"id": "c1", "name": "Amsterdam", "status": "operational"},
        {"id": "c2", "name": "Paris", "status": "major_outage"},
    ]
    said = [{"code": "c1", "name": "Europe - Amsterdam", "new_status": "partial_outage"}]
    told = incident_news(payload(an_update(1, affected_components=said), components=listed)).events[0]
    silent = incident_news(payload(an_update(1), components=listed)).events[0]
    assert told.incident.components == (AffectedComponent(key="amsterdam", status=ComponentStatus.PARTIAL_OUTAGE),)
    assert [item.key for item in silent.incident.components] == ["amsterdam", "paris"]


def test_of_two_words_about_one_component_the_worse_counts() -> None:
    said = [
        ("a", ComponentStatus.OPERATIONAL),
        ("a", ComponentStatus.MAJOR_OUTAGE),
        (None, ComponentStatus.OPERATIONAL),
    ]
    assert worst_of(said) == (AffectedComponent(key="a", status=ComponentStatus.MAJOR_OUTAGE),)


def test_of_too_many_components_the_worst_stay() -> None:
    said = [(f"ok-{number:03}", ComponentStatus.OPERATIONAL) for number in range(300)]
    kept = worst_of([*said, ("zz", ComponentStatus.MAJOR_OUTAGE)])
    assert len(kept) == 200
    assert kept[-1].key == "zz"


def test_a_components_change_is_news_of_its_own() -> None:
    data = {
        "component": {"id": "f0q6", "name": "Amsterdam (AMS)", "status": "operational"},
        "component_update": {"id": "u6b3", "new_status": "operational", "created_at": "2026-08-01T10:39:59.480Z"},
    }
    news = parse_statuspage(json.dumps(data).encode(), PAGE)
    assert isinstance(news, ComponentNews)
    assert (news.id, news.component, news.new_status) == (
        "statuspage:cloud:u6b3",
        "amsterdam-ams",
        ComponentStatus.OPERATIONAL,
    )


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (payload(an_update(1, created_at="0001-01-01T00:00:00Z")), "incident.incident_updates.0.created_at"),
        (payload(an_update(1, created_at="2026-08-01T00:00:00")), "incident.incident_updates.0.created_at"),
        (payload(an_update(1), impact="awful"), "incident.impact"),
        (payload(an_update(1, id="a/b")), "incident.incident_updates.0.id"),
        (payload(an_update(1), id="x" * 65), "incident.id"),
        (b'{"component": {"id": "a", "status": "operational"}}', "incident"),
        (b"nonsense", "body"),
    ],
)
def test_a_fault_is_named(data: bytes, field: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_statuspage(data, PAGE)
    assert field in [fault.field for fault in caught.value.errors]


def test_null_is_absent_everywhere() -> None:
    nothing: dict[str, Any] = dict.fromkeys(("display_at", "affected_components", "deliver_notifications", "body"))
    incident: dict[str, Any] = dict.fromkeys(("components", "shortlink", "backfilled", "started_at", "postmortem_body"))
    (event,) = incident_news(payload(an_update(1, **nothing), **incident)).events
    assert (event.notify, event.incident.components, event.incident.links) == (True, (), ())
    assert event.update.body == {"en": "Elevated errors"}
    (same,) = incident_news(payload(an_update(1, affected_components=[None]), components=[None])).events
    assert same.incident.components == ()


OURS = PageSource(
    source="own",
    locale="nl",
    components=ComponentNames(
        [Component(key=key, name={"en": key.title()}) for key in ("storefront", "api", "checkout")]
    ),
    mapping={"web SHOPS &": "storefront", "k9": "api"},
    languages=marked_languages(("nl", "EN:")),
    url="https://status.shop.example",
)


def events_of_ours(*newest_first: dict[str, Any], **changes: Any) -> list[Event]:
    news = parse_statuspage(payload(*newest_first, **changes), OURS)
    assert isinstance(news, IncidentNews)
    return list(news.events)


def test_components_are_found_by_their_id_their_name_and_ours_and_others_are_left_out() -> None:
    listed = [
        {"id": "k1", "name": "Web shops &amp;", "status": "major_outage"},
        {"id": "k9", "name": "Gateway", "status": "partial_outage"},
        {"id": "k3", "name": "Checkout", "status": None},
        {"id": "k4", "name": "Coffee machine", "status": "major_outage"},
    ]
    (event,) = events_of_ours(an_update(1), components=listed)
    assert [(item.key, item.status) for item in event.incident.components] == [
        ("api", ComponentStatus.PARTIAL_OUTAGE),
        ("checkout", None),
        ("storefront", ComponentStatus.MAJOR_OUTAGE),
    ]


def test_an_update_that_names_none_of_ours_concerns_those_of_the_update_before_it() -> None:
    first = an_update(1, affected_components=[{"code": "k9", "name": "x", "new_status": "major_outage"}])
    foreign = an_update(2, affected_components=[{"code": "k7", "name": "Coffee", "new_status": "major_outage"}])
    events = events_of_ours(foreign, first)
    assert [event.incident.component_keys for event in events] == [{"api"}, {"api"}]
    assert events[1].incident.components[0].status is None


def test_a_postmortem_without_a_body_has_the_one_of_its_incident_as_markdown() -> None:
    told = an_update(1, "postmortem", body="")
    (event,) = events_of_ours(told, postmortem_body="## Wat\nTraag.\n\nEN: *Slow*.")
    assert event.update.body == {"nl": "## Wat\nTraag.", "en": "*Slow*."}


def test_a_text_beyond_our_bound_ends_with_an_ellipsis_and_the_link_of_its_page() -> None:
    long = "woord " * 12_000
    with_link = events_of_ours(an_update(1, body=long), shortlink="https://stspg.io/x")[0].update.body["nl"]
    without = events_of_ours(an_update(1, body=long), name="Titel " * 200)[0]
    assert with_link.endswith("woord \N{HORIZONTAL ELLIPSIS}\n\nhttps://stspg.io/x")
    assert without.update.body["nl"].endswith("\N{HORIZONTAL ELLIPSIS}\n\nhttps://status.shop.example")
    assert without.incident.title["nl"].endswith(" \N{HORIZONTAL ELLIPSIS}")


def test_a_list_holds_the_same_events_as_webhooks_do() -> None:
    first, second = an_update(1), an_update(2, "identified")
    incident = json.loads(payload(second, first))["incident"]
    listing = json.dumps({"page": {"id": "x"}, "incidents": [incident]}).encode()
    (listed,) = parse_statuspage_listing(listing, OURS)
    assert list(listed.news.events) == events_of_ours(second, first)
    edited = json.dumps({"incidents": [incident | {"name": "Other"}], "scheduled_maintenances": None}).encode()
    assert parse_statuspage_listing(edited, OURS)[0].version != listed.version
    with pytest.raises(InvalidInputError):
        parse_statuspage_listing(b'{"page": {}}', OURS)
