import json
from datetime import UTC, datetime
from typing import Any

import pytest

from notifier.domain.errors import InvalidInputError
from notifier.domain.incidents.incident import AffectedComponent
from notifier.domain.incidents.status_news import ComponentNews, IncidentNews
from notifier.domain.values import ComponentStatus, Impact, Status
from notifier.inbound.integrations import ComponentNames
from notifier.inbound.statuspage import MAX_UPDATES, PageSource, parse_statuspage, worst_of

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
