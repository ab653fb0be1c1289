"""The contract's event: what is taken, and what each fault is called."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.errors import InvalidInputError
from notifier.domain.incidents.incident import AffectedComponent, Automation
from notifier.domain.values import ComponentStatus, Impact, Status
from notifier.inbound.events import MAX_ERRORS, check_known, parse_event

NOW = datetime(2022, 6, 21, 6, 40, tzinfo=UTC)
EVENT: dict[str, Any] = {
    "id": "evt-20220621-1",
    "incident": {
        "id": "inc-20220621",
        "title": {"nl": "Verminderde performance", "en": "Degraded performance"},
        "impact": "major",
        "components": [{"key": "storefront", "status": "major_outage"}, "api"],
        "started_at": "2022-06-21T08:34:00+02:00",
        "scheduled_for": None,
        "scheduled_until": None,
        "links": ["https://www.cloudflarestatus.com/"],
    },
    "update": {
        "id": "upd-1",
        "status": "investigating",
        "body": {"nl": "We signaleren ...", "en": "We are noticing ..."},
        "posted_at": "2022-06-21T08:36:00+02:00",
    },
    "notify": True,
}


def changed(path: str, value: object) -> dict[str, Any]:
    event = deepcopy(EVENT)
    *parents, last = path.split(".")
    place = event
    for parent in parents:
        place = place[parent]
    place[last] = value
    return event


def without(path: str) -> dict[str, Any]:
    event = changed(path, None)
    *parents, last = path.split(".")
    place = event
    for parent in parents:
        place = place[parent]
    del place[last]
    return event


def faults(event: object) -> dict[str, str]:
    with pytest.raises(InvalidInputError) as caught:
        parse_event(json.dumps(event), now=NOW)
    return {error.field: error.message for error in caught.value.errors}


def test_the_contracts_event_is_read_with_its_times_in_utc() -> None:
    event = parse_event(json.dumps(EVENT).encode(), now=NOW)
    assert (event.id, event.notify, event.source, event.automatic, event.announce_edits) == (
        "evt-20220621-1",
        True,
        "api",
        False,
        False,
    )
    assert event.incident.impact is Impact.MAJOR
    assert event.incident.components == (
        AffectedComponent(key="storefront", status=ComponentStatus.MAJOR_OUTAGE),
        AffectedComponent(key="api", status=None),
    )
    assert event.incident.started_at == datetime(2022, 6, 21, 6, 34, tzinfo=UTC)
    assert event.update.status is Status.INVESTIGATING
    assert event.update.posted_at == datetime(2022, 6, 21, 6, 36, tzinfo=UTC)
    assert event.update.posted_at.tzinfo is UTC


def test_what_an_event_may_leave_out() -> None:
    bare = {
        "id": "e",
        "incident": {"id": "i", "title": {"en": "t"}, "impact": "none"},
        "update": {"id": "u", "status": "resolved", "body": {"en": "b"}, "posted_at": "2022-06-21T06:36:00Z"},
    }
    event = parse_event(json.dumps(bare), now=NOW)
    assert (event.incident.components, event.incident.links, event.notify) == ((), (), True)


def test_news_without_a_time_is_of_now_and_a_recorded_history_has_none() -> None:
    assert parse_event(json.dumps(without("update.posted_at")), now=NOW).update.posted_at == NOW
    with pytest.raises(InvalidInputError) as refused:
        parse_event(json.dumps(without("update.posted_at")), now=None)
    assert [error.field for error in refused.value.errors] == ["update.posted_at"]


@pytest.mark.parametrize(
    ("given", "read"),
    [({}, (True, True)), ({"notify": False}, (False, True)), ({"visible": False}, (False, False))],
)
def test_what_is_not_shown_is_not_told(given: dict[str, bool], read: tuple[bool, bool]) -> None:
    event = parse_event(json.dumps(EVENT | given), now=NOW)
    assert (event.notify, event.visible) == read


def test_our_additions_are_read() -> None:
    event = parse_event(json.dumps(EVENT | {"source": "ops", "automatic": True, "announce_edits": True}), now=NOW)
    assert (event.source, event.automatic, event.announce_edits) == ("ops", True, True)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("id", "", "at least 1 character"),
        ("id", "x" * 201, "at most 200 characters"),
        ("id", "a b", "no blanks"),
        ("id", "a\tb", "printable"),
        ("incident.id", "..", "browsers"),
        ("incident.id", "../../console", "browsers"),
        ("incident.id", "a/./b", "browsers"),
        ("update.id", ".", "browsers"),
        ("id", "a\u202eb", "printable"),
        ("id", 7, "valid string"),
        ("notify", "yes", "valid boolean"),
        ("notify", 1, "valid boolean"),
        ("source", "a b", "no blanks"),
        ("surprise", 1, "not permitted"),
        ("incident", "inc", "object"),
        ("incident.id", None, "valid string"),
        ("incident.title", {}, "at least 1 item"),
        ("incident.title", "Trouble", "object"),
        ("incident.title.nl", " \n", "must not be empty"),
        ("incident.title.nl", "x" * 301, "at most 300 characters"),
        ("incident.title.nl", "a\nBcc: b", "one line"),
        ("incident.title.nl", "a\u2028b", "one line"),
        ("incident.title.NL", "x", "language tags"),
        ("incident.title.nl_BE", "x", "language tags"),
        ("incident.impact", "huge", "'none', 'minor'"),
        ("incident.components", [f"c{number}" for number in range(201)], "at most 200 items"),
        ("incident.components", ["api", {"key": "api"}], "each key may be named once"),
        ("incident.started_at", "yesterday", "a time such as"),
        ("incident.scheduled_until", "1812-01-01T00:00:00Z", "between the years"),
        ("incident.links", ["https://x.example"] * 21, "at most 20 items"),
        ("update.status", "fixed", "'investigating', 'identified'"),
        ("update.body", {}, "at least 1 item"),
        ("update.body.nl", "", "must not be empty"),
        ("update.body.nl", "x" * 20_001, "at most 20000 characters"),
        ("update.body.nl", "a\x00b", "control characters"),
        ("update.posted_at", 1655800000, "a time such as"),
        ("update.posted_at", "1655800000", "a time such as"),
        ("update.posted_at", "2022-06-21", "a time such as"),
        ("update.posted_at", "2022-06-21T08:36:00", "must carry an offset"),
        ("update.posted_at", "2022-06-21T28:36:00Z", "valid datetime"),
        ("update.posted_at", "0001-01-01T00:00:00+14:00", "between the years"),
        ("update.posted_at", "2022-06-22T06:40:01Z", "more than 24 hours in the future"),
    ],
)
def test_a_fault_is_named_by_its_dotted_field(path: str, value: object, message: str) -> None:
    found = faults(changed(path, value))
    assert list(found) == [path]
    assert message in found[path]


@pytest.mark.parametrize(
    ("component", "field"),
    [
        ("API", "incident.components.0.key"),
        ("a" * 65, "incident.components.0.key"),
        ("-a", "incident.components.0.key"),
        ({"key": "api", "status": "down"}, "incident.components.0.status"),
        ({"key": "api", "state": "x"}, "incident.components.0.state"),
        ({"status": "operational"}, "incident.components.0.key"),
        (7, "incident.components.0"),
    ],
)
def test_a_faulty_component_is_named_by_its_place(component: object, field: str) -> None:
    assert list(faults(changed("incident.components", [component]))) == [field]


@pytest.mark.parametrize(
    "link", ["ftp://x.example", "javascript:alert(1)", "http://", "http://[", "https://a b.example", "x"]
)
def test_a_link_must_be_an_absolute_web_address(link: str) -> None:
    assert faults(changed("incident.links", [link])) == {
        "incident.links.0": "must be an absolute http or https address"
    }


@pytest.mark.parametrize("path", ["id", "incident", "update", "incident.id", "incident.title", "update.body"])
def test_what_an_event_must_have(path: str) -> None:
    assert faults(without(path)) == {path: "Field required"}


@pytest.mark.parametrize("until", ["2022-06-22T07:00:00Z", "2022-06-22T08:00:00Z"])
def test_a_window_must_end_after_it_begins(until: str) -> None:
    event = changed("incident.scheduled_for", "2022-06-22T08:00:00Z")
    event["incident"]["scheduled_until"] = until
    assert faults(event) == {"incident.scheduled_until": "must be later than scheduled_for"}


def planned(status: str, **incident: Any) -> Any:
    event = changed("update.status", status)
    window = {"scheduled_for": "2022-06-22T08:00:00Z", "scheduled_until": "2022-06-22T10:00:00Z"}
    event["incident"] |= window | incident
    return event


MAINTENANCE = ["scheduled", "in_progress", "verifying", "completed", "canceled"]


@pytest.mark.parametrize("status", MAINTENANCE)
def test_every_update_of_planned_work_must_say_when_it_starts_and_ends(status: str) -> None:
    both = faults(planned(status, scheduled_for=None, scheduled_until=None))
    assert both.keys() == {"incident.scheduled_for", "incident.scheduled_until"}
    assert "needs the window" in both["incident.scheduled_for"]
    assert faults(planned(status, scheduled_until=None)).keys() == {"incident.scheduled_until"}


@pytest.mark.parametrize("status", MAINTENANCE)
def test_a_status_of_maintenance_makes_the_impact_maintenance_whatever_was_sent(status: str) -> None:
    event = parse_event(json.dumps(planned(status, impact="critical")), now=None)
    assert event.incident.impact is Impact.MAINTENANCE
    assert event.incident.is_maintenance


@pytest.mark.parametrize("status", ["investigating", "identified", "monitoring", "resolved"])
def test_a_disruption_is_not_called_maintenance(status: str) -> None:
    found = faults(planned(status, impact="maintenance"))
    assert found.keys() == {"incident.impact"}
    assert "minor, major or critical" in found["incident.impact"]


@pytest.mark.parametrize(("minutes", "ok"), [(30, True), (0, False), (-5, False)])
def test_a_promise_of_the_next_update_is_later_than_this_one(minutes: int, ok: bool) -> None:  # noqa: FBT001
    event = changed("update.posted_at", NOW.isoformat())
    event["update"]["next_update_at"] = (NOW + timedelta(minutes=minutes)).isoformat()
    if ok:
        assert parse_event(json.dumps(event), now=NOW).update.next_update_at == NOW + timedelta(minutes=minutes)
    else:
        assert faults(event) == {"update.next_update_at": "must be later than posted_at"}


def test_a_postmortem_may_be_one_of_maintenance() -> None:
    event = parse_event(json.dumps(planned("postmortem", impact="maintenance")), now=None)
    assert event.incident.is_maintenance


def test_every_fault_is_named_and_their_number_is_bounded() -> None:
    event = changed("id", "") | {f"extra{number}": 1 for number in range(500)}
    assert len(faults(event)) == MAX_ERRORS
    event = changed("id", "")
    event["update"]["status"], event["incident"]["impact"] = "x", "y"
    assert set(faults(event)) == {"id", "incident.impact", "update.status"}


def test_no_message_repeats_a_text_of_the_event() -> None:
    secret = "hunter2-hunter2"
    event = changed("update.body.nl", secret + "\x00")
    event["update"]["status"] = event["incident"]["impact"] = event["update"]["posted_at"] = secret
    assert secret not in str(faults(event))


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"id": "\\ud800"}', b"[" * 100_000, b'{"id": NaN}', b"{}}"],
    ids=lambda data: repr(data[:12]),
)
def test_what_is_no_json_object_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_event(data, now=NOW)
    assert caught.value.errors


def test_a_recorded_history_may_lie_in_the_future() -> None:
    event = changed("update.posted_at", "2150-01-01T00:00:00Z")
    assert parse_event(json.dumps(event), now=None).update.posted_at.year == 2150


def test_a_time_within_24_hours_ahead_is_taken() -> None:
    late = (NOW + timedelta(hours=24)).isoformat()
    assert parse_event(json.dumps(changed("update.posted_at", late)), now=NOW).update.posted_at > NOW


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_is_read_or_refused_and_nothing_else(value: object) -> None:
    for event in (value, changed("incident", value), changed("update", value), changed("incident.components", value)):
        try:
            parse_event(json.dumps(event), now=NOW)
        except InvalidInputError as error:
            assert error.errors  # noqa: PT017 - whatever is refused says why; much is refused, a few texts are taken


def refused(check: Callable[[], None]) -> dict[str, str]:
    with pytest.raises(InvalidInputError) as caught:
        check()
    return {error.field: error.message for error in caught.value.errors}


def test_unknown_components_and_locales_are_named() -> None:
    event = parse_event(json.dumps(EVENT), now=NOW)
    assert refused(lambda: check_known(event, ["api", "pos"], ["en"])) == {
        "incident.components.0": "unknown component 'storefront'; known: api, pos",
        "incident.title.nl": "unknown locale 'nl'; offered: en",
        "update.body.nl": "unknown locale 'nl'; offered: en",
    }


def test_known_components_and_locales_pass() -> None:
    check_known(parse_event(json.dumps(EVENT), now=NOW), ["api", "storefront"], ["en", "nl"])


def test_without_configured_components_any_key_will_do() -> None:
    check_known(parse_event(json.dumps(EVENT), now=NOW), [], ["en", "nl"])


@pytest.mark.parametrize("field", ["incident.title", "update.body"])
def test_a_text_that_holds_nothing_but_a_comment_is_refused(field: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_event(json.dumps(changed(field, {"en": " <!-- to be written"})), now=None)
    assert {error.field: error.message for error in caught.value.errors} == {
        f"{field}.en": "must hold more than a comment, which is never shown"
    }


def automated(automation: object, status: str = "scheduled") -> Any:
    return planned(status, automation=automation)


def test_the_automation_of_planned_work_is_read() -> None:
    event = parse_event(
        json.dumps(automated({"remind": [3600, 60.5], "complete": True, "repeat": "FREQ=WEEKLY;BYDAY=TU"})), now=None
    )
    assert event.incident.automation == Automation(
        remind=(timedelta(hours=1), timedelta(seconds=60.5)), complete=True, repeat="FREQ=WEEKLY;BYDAY=TU"
    )
    assert parse_event(json.dumps(automated(None)), now=None).incident.automation is None


@pytest.mark.parametrize(
    ("automation", "field"),
    [
        ({"remind": 3600}, "remind"),
        ({"remind": [0]}, "remind.0"),
        ({"remind": ["1h"]}, "remind.0"),
        ({"remind": [91 * 86400]}, "remind.0"),
        ({"remind": [1] * 11}, "remind"),
        ({"start": "yes"}, "start"),
        ({"complete": 1}, "complete"),
        ({"repeat": "every tuesday"}, "repeat"),
        ({"repeat": "FREQ=HOURLY"}, "repeat"),
        ({"stop": True}, "stop"),
    ],
)
def test_a_fault_of_the_automation_is_named(automation: object, field: str) -> None:
    assert list(faults(automated(automation))) == [f"incident.automation.{field}"]


def test_a_disruption_has_no_automation() -> None:
    assert list(faults(changed("incident.automation", {"start": True}))) == ["incident.automation"]
