from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from notifier.domain.errors import InvalidInputError
from notifier.domain.proposals.signal import Report
from notifier.domain.proposals.source_rules import SourceKind
from notifier.domain.values import Impact
from tests.unit.inbound.sources.readings import reports

FIELDS = {
    "key": "check.id",
    "status": "check.state",
    "component": "check.tags",
    "severity": "check.level",
    "title": "check.name",
    "detail": "check.log",
    "started_at": "since",
    "link": "check.url",
}


def a_body(**check: Any) -> dict[str, Any]:
    told = {"id": 12, "state": "Down", "tags": ["checkout", "eu"], "level": "Critical", "name": "Pay", "log": "503"}
    return {"check": told | {"url": "https://monitor.example/12"} | check, "since": 1785578251}


def read(body: object, *, fields: dict[str, str] | None = None, **settings: Any) -> Sequence[Report]:
    return reports(SourceKind.GENERIC, body, fields=FIELDS if fields is None else fields, **settings)


def test_expressions_find_what_a_body_says() -> None:
    (report,) = read(a_body())
    assert report.alerts[0].impact is Impact.MAJOR
    assert report.alerts[0].components == {"checkout": None}
    assert report.alerts[0].started_at == datetime(2026, 8, 1, 9, 57, 31, tzinfo=UTC)
    assert (report.title, report.detail, report.link) == ("Pay", "503", "https://monitor.example/12")


@pytest.mark.parametrize("state", ["OK", "up", "Recovered", "closed"])
def test_a_state_that_ends_has_the_key_of_the_start(state: str) -> None:
    (down,), (over,) = read(a_body()), read(a_body(state=state))
    assert over.alerts[0].key == down.alerts[0].key
    assert (down.is_firing, over.is_firing) == (True, False)


def test_the_states_that_end_are_the_sources() -> None:
    assert not read(a_body(state="Back"), ended=["back"])[0].is_firing
    assert read(a_body(state="ok"), ended=["back"])[0].is_firing


@pytest.mark.parametrize("absent", [None, "", " ", "*alertDetails*", "$ALERT_DETAILS", "${DETAILS}"])
def test_a_variable_that_was_not_replaced_is_absent(absent: str | None) -> None:
    (report,) = read(a_body(log=absent, level=absent, url=absent, tags=absent) | {"since": absent})
    assert (report.detail, report.link, report.alerts[0].started_at) == ("", None, None)
    assert report.alerts[0].impact is Impact.MINOR
    with pytest.raises(InvalidInputError) as refused:
        read(a_body(id=absent))
    assert [error.field for error in refused.value.errors] == ["fields.key"]


def test_an_expression_falls_back_from_an_absent_variable() -> None:
    (report,) = read({"a": "*sslExpiryDate*", "b": "x", "s": "down"}, fields={"key": "a || b", "status": "s"})
    assert report.group == "x"


def test_stars_and_dollars_inside_a_text_stay() -> None:
    assert read(a_body(name="*very* slow, $5 lost"))[0].title == "*very* slow, $5 lost"


def test_a_source_that_is_not_listed_is_told_what_to_write() -> None:
    with pytest.raises(
        InvalidInputError, match=r'\[\[sources\]\] name = "it", kind = "generic", fields = \{'
    ) as refused:
        read(a_body(), fields={})
    assert refused.value.errors[0].field == "source"


def test_a_matcher_looks_at_what_was_found() -> None:
    (down,), (test,) = read(a_body()), read(a_body(name="TEST"), ignore=[{"title": "test"}])
    assert test.ignored
    assert test.alerts[0].key != down.alerts[0].key


@pytest.mark.parametrize("since", ["yesterday", {"a": 1}, "9" * 50])
def test_a_time_that_is_none_is_refused_or_absent(since: object) -> None:
    body = a_body() | {"since": since}
    if isinstance(since, dict):
        assert read(body)[0].alerts[0].started_at is None
    else:
        with pytest.raises(InvalidInputError, match=r"fields\.started_at"):
            read(body)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("sort(check.log)", [1, "x"]),
        ("ceil(to_number(check.log))", "inf"),
        ("check.log[::0]", [1]),
        ("starts_with(check.log, 'x')", None),
        ("join(', ', check.log)", [1]),
        ("abs(check.log)", 1e308),
    ],
)
def test_an_expression_that_a_body_does_not_suit_finds_nothing_that_breaks(expression: str, value: object) -> None:
    (report,) = read(a_body(log=value), fields=FIELDS | {"detail": expression})
    assert report.is_firing


def test_form_fields_are_read_like_json() -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    (report,) = read(b"id=4&state=down", fields={"key": "id", "status": "state"}, headers=headers)
    assert report.group == "4"


@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b'{"a":' * 100_000, b"9" * 100_000, b"NaN", b"\xff\xfe", b"{", b'{"check": {"id": "a"b"}}'],
)
def test_a_hostile_body_is_refused_where_it_breaks(body: bytes) -> None:
    with pytest.raises(InvalidInputError, match=r"body: Invalid JSON: .* line 1 column \d+"):
        read(body)


@pytest.mark.parametrize("body", [b"null", b"[]", b'"x"', b"1e999", b'{"check": 3}', b'{"check": {"id": {}}}'])
def test_a_body_of_another_shape_finds_no_key(body: bytes) -> None:
    with pytest.raises(InvalidInputError, match=r"fields\.key"):
        read(body)


def test_a_body_of_a_hundred_thousand_parts_is_read_once() -> None:
    (report,) = read(a_body() | {"parts": [{"*x*": ["$Y"] * 10}] * 10_000})
    assert report.is_firing


def test_control_characters_do_not_reach_the_signal() -> None:
    (report,) = read(a_body(name="a\x00b\nc", log="d\x00e"))
    assert (report.title, report.detail) == ("ab c", "de")
