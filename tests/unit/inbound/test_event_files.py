"""Files of events: each shape is understood, each fault is named with its line."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.domain.errors import InvalidInputError
from notifier.domain.values import Impact, Status
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


@settings(max_examples=200)
@given(st.text(max_size=60) | st.text(alphabet='[]{}:,"\n &*-a1', max_size=60))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    with pytest.raises(InvalidInputError) as caught:
        read_events(data, now=None)  # no such text is an event
    assert caught.value.errors
