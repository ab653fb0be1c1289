"""Files of events: each shape is understood, each fault is named with its line."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.domain.errors import InvalidInputError
from notifier.domain.values import ComponentStatus, Impact, Status
from notifier.inbound.event_files import read_events
from notifier.inbound.events import MAX_ERRORS


def an_event(number: int, **update: Any) -> dict[str, Any]:
    return {
        "id": f"e{number}",
        "incident": {"id": "inc", "title": {"en": "Trouble"}, "impact": "major", "components": ["api"]},
        "update": {
            "id": f"u{number}",
            "status": "investigating",
            "body": {"en": f"News {number}"},
            "posted_at": f"2022-06-21T08:{number:02}:00+02:00",
        }
        | update,
    }


EVENTS = [an_event(number) for number in range(3)]
YAML = """\
# two events
- id: e0
  incident:
    id: inc
    title: {en: Trouble, no: Trøbbel}
    impact: none
    components: [api]
    started_at: null
  update:
    id: u0
    status: investigating
    posted_at: 2022-06-21T08:00:00+02:00
    body:
      en: |
        First line.

        Second paragraph.
      no: '12'
  notify: false
- id: e1
  incident: {id: inc, title: {en: Trouble}, impact: minor}
  update: {id: u1, status: resolved, posted_at: 2022-06-21 09:00:00Z, body: {en: yes}}
"""


def read(data: bytes | str) -> list[str]:
    text = data.encode() if isinstance(data, str) else data
    return [event.id for event in read_events(text, now=None)]


def faults(data: bytes | str) -> dict[str, str]:
    with pytest.raises(InvalidInputError) as caught:
        read(data)
    return {error.field: error.message for error in caught.value.errors}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(EVENTS),
        json.dumps(EVENTS, indent=2),
        "\ufeff" + json.dumps(EVENTS),
        "\n".join(map(json.dumps, EVENTS)),
        "\r\n".join(map(json.dumps, EVENTS)) + "\r\n\r\n",
        "\n\n" + "\n\n".join(map(json.dumps, EVENTS)),
        "---\n".join(json.dumps(event) + "\n" for event in EVENTS).replace("{", "--- {", 1),
    ],
    ids=["array", "indented array", "byte order mark", "lines", "CRLF lines", "blank lines", "YAML documents"],
)
def test_every_shape_of_file_gives_its_events_in_order(text: str) -> None:
    assert read(text) == ["e0", "e1", "e2"]


@pytest.mark.parametrize("indent", [None, 2])
def test_one_event_is_a_file_too(indent: int | None) -> None:
    assert read(json.dumps(EVENTS[0], indent=indent)) == ["e0"]


def test_yaml_means_what_json_means() -> None:
    first, second = read_events(YAML.encode(), now=None)
    assert first.update.posted_at == datetime(2022, 6, 21, 6, 0, tzinfo=UTC)
    assert first.update.body == {"en": "First line.\n\nSecond paragraph.\n", "no": "12"}
    assert first.incident.impact is Impact.NONE
    assert not first.notify
    assert second.update.status is Status.RESOLVED
    assert second.update.body == {"en": "yes"}


@pytest.mark.parametrize("now", [datetime(2022, 6, 21, 6, 0, tzinfo=UTC)])
def test_times_are_checked_against_now_where_one_is_given(now: datetime) -> None:
    late = json.dumps(an_event(0, posted_at="2022-06-30T00:00:00Z"))
    with pytest.raises(InvalidInputError, match=r"line 1: update\.posted_at: must not lie more than 24 hours"):
        read_events(late.encode(), now=now)


def test_the_line_and_the_field_of_a_fault_in_json_lines() -> None:
    lines = [
        json.dumps(EVENTS[0]),
        "",
        json.dumps(an_event(1, status="fixed")),
        json.dumps(an_event(2, body={"nl": " "})),
    ]
    found = faults("\n".join(lines))
    assert list(found) == ["line 3: update.status", "line 4: update.body.nl"]
    assert found["line 4: update.body.nl"] == "must not be empty"


def test_the_line_and_the_field_of_a_fault_in_an_indented_array() -> None:
    text = json.dumps([EVENTS[0], an_event(1, posted_at="2022-06-21T08:00:00")], indent=1)
    line = text[: text.index('"e1"')].count("\n")  # the brace stands a line above the id
    assert faults(text) == {f"line {line}: update.posted_at": "must carry an offset such as +02:00 or Z"}


def test_the_line_and_the_field_of_a_fault_in_yaml() -> None:
    found = faults(YAML.replace("status: resolved", "status: fixed"))
    assert list(found) == ["line 20: update.status"]


@pytest.mark.parametrize(
    ("text", "field", "message"),
    [
        ("", "line 1: body", "holds no event"),
        ("  \n ", "line 1: body", "holds no event"),
        ("[]", "line 1: body", "holds no event"),
        ("[\n{},\n{", "line 3: body", "broken JSON"),
        ("[{}\n{}]", "line 2: body", "expected a comma or ]"),
        ("[{}]\n\n[]", "line 3: body", "more text after the array"),
        ("[" * 100_000, "line 1: body", "nested too deeply"),
        ('[{"id": ' + "1" * 5000 + "}]", "line 1: body", "too many digits"),
        ('{"id":\n "a",\n oops}', "line 3: body", "Invalid JSON"),
        (json.dumps(EVENTS[0]) + "\noops", "line 2: body", "Invalid JSON"),
        ("a: [1", "line 1: body", "broken YAML"),
        ("a: &x [1]\nb: *x", "line 1: body", "aliases"),
        ("a: 1\na: 2", "line 2: body", "'a' stands here twice"),
        ("? [1]\n: 2", "line 1: body", "plain word"),
        ("a: !!python/object:os.system x", "line 1: body", "is not taken"),
        ("a: \x00", "line 1: body", "broken YAML"),
        ("hello", "line 1: body", "object"),
        ("- " * 20_000, "line 1: body", "broken YAML"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_broken_files_are_refused_with_their_line(text: str, field: str, message: str) -> None:
    found = faults(text)
    assert field in found
    assert message in found[field]


def test_a_file_that_is_not_utf8_is_refused_with_its_line() -> None:
    assert faults(b"{}\n\xff") == {"line 2: body": "is not UTF-8"}


def test_an_alias_bomb_is_refused_before_it_goes_off() -> None:
    bomb = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
    assert "aliases" in str(faults(bomb))


def test_the_number_of_faults_named_is_bounded() -> None:
    assert len(faults("\n".join(['{"a":1}'] * 1000))) <= MAX_ERRORS


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60) | st.text(alphabet='[]{}:,"\n &*-a1', max_size=60))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    with pytest.raises(InvalidInputError) as caught:
        read_events(data, now=None)  # no such text is an event
    assert caught.value.errors


# --- a Statuspage's history ------------------------------------------------------------------------------------------

INCIDENT: dict[str, Any] = {
    "id": "p31zjtct2jer",
    "name": "Elevated errors",
    "status": "resolved",
    "impact": "major",
    "created_at": "2026-08-01T09:58:03.114Z",
    "started_at": "2026-08-01T09:58:03.100Z",
    "shortlink": "https://stspg.io/1x2y3z4w5v6u",
    "scheduled_for": None,
    "components": [{"id": "F0q6z2n8b4hs", "name": "Amsterdam (AMS)", "status": "operational"}],
    "page_id": "k3v9q0c2m7xw",
    "incident_updates": [
        {"id": "u3", "status": "resolved", "body": " ", "created_at": "2026-08-01T04:30:00.000-06:00"},
        {
            "id": "u2",
            "status": "identified",
            "body": "A line card.\r\nTraffic moves.",
            "created_at": "2026-08-01T10:02:10.880Z",
            "display_at": "2026-08-01T10:02:00.000Z",
            "deliver_notifications": False,
            "affected_components": [
                {"code": "f0q6z2n8b4hs", "name": "Europe - Amsterdam (AMS)", "new_status": "partial_outage"}
            ],
        },
        {"id": "u1", "status": "investigating", "body": "Errors.", "created_at": "2026-08-01T09:58:03.150Z"},
    ],
}
HISTORY = {"page": {"id": "k3v9q0c2m7xw"}, "incidents": [INCIDENT]}


def test_a_statuspages_history_is_read_oldest_update_first() -> None:
    events = read_events(json.dumps(HISTORY, indent=1).encode(), now=None)
    assert [event.update.id for event in events] == ["u1", "u2", "u3"]
    assert [event.notify for event in events] == [True, False, True]
    first, second, third = events
    assert first.id == "p31zjtct2jer-u1"
    assert first.incident.title == {"en": "Elevated errors"}
    assert first.incident.links == ("https://stspg.io/1x2y3z4w5v6u",)
    assert second.update.posted_at == datetime(2026, 8, 1, 10, 2, tzinfo=UTC)
    assert [(item.key, item.status) for item in second.incident.components] == [
        ("f0q6z2n8b4hs", ComponentStatus.PARTIAL_OUTAGE)
    ]
    assert third.update.posted_at == datetime(2026, 8, 1, 10, 30, tzinfo=UTC)
    assert third.update.body == {"en": "Elevated errors"}  # an update without text


def test_maintenances_of_a_statuspage_are_read_too() -> None:
    maintenance = INCIDENT | {
        "impact": "maintenance",
        "scheduled_for": "2026-08-02T00:00:00Z",
        "scheduled_until": "2026-08-02T02:00:00Z",
        "incident_updates": [{"id": "m1", "status": "scheduled", "body": "x", "created_at": "2026-08-01T00:00:00Z"}],
    }
    [event] = read_events(json.dumps({"scheduled_maintenances": [maintenance]}).encode(), now=None)
    assert event.incident.is_maintenance
    assert event.incident.scheduled_until == datetime(2026, 8, 2, 2, 0, tzinfo=UTC)


def test_what_a_statuspage_entered_after_the_fact_is_not_announced() -> None:
    events = read_events(json.dumps({"incidents": [INCIDENT | {"backfilled": True}]}).encode(), now=None)
    assert not any(event.notify for event in events)


def test_a_fault_in_a_statuspages_history_is_named() -> None:
    assert list(faults(json.dumps({"incidents": [INCIDENT | {"impact": "huge"}]}))) == ["incidents.0.impact"]


def test_control_characters_of_a_statuspage_are_dropped() -> None:
    update = {"id": "u1", "status": "resolved", "body": "a\x00b\x1bc\nd", "created_at": "2026-08-01T00:00:00Z"}
    [event] = read_events(json.dumps({"incidents": [INCIDENT | {"incident_updates": [update]}]}).encode(), now=None)
    assert event.update.body == {"en": "abc\nd"}


def test_a_statuspage_without_incidents_holds_no_event() -> None:
    assert faults('{"incidents": []}') == {"line 1: body": "holds no event"}
