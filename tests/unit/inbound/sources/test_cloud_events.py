import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from notifier.domain.errors import InvalidInputError, MalformedInputError, UnsupportedFormatError
from notifier.domain.proposals.signal import Report
from notifier.domain.proposals.source_rules import SourceKind
from notifier.domain.values import Impact
from notifier.inbound.sources.cloud_events import MAX_EVENTS
from tests.unit.inbound.sources.readings import reports

STRUCTURED = {"content-type": "Application/CloudEvents+JSON; charset=utf-8"}
BATCHED = {"content-type": "application/cloudevents-batch+json"}
DATA = {"status": "firing", "component": "checkout", "severity": "critical", "title": "Checkout fails"}


def an_event(**changes: Any) -> dict[str, Any]:
    event = {
        "specversion": "1.0",
        "id": "e1",
        "source": "/checks/eu",
        "type": "example.check.changed",
        "subject": "checkout",
        "time": "2026-08-01T09:57:31Z",
        "data": DATA,
    }
    return {name: value for name, value in (event | changes).items() if value is not ...}


def read(body: object, headers: dict[str, str] | None = None, **settings: Any) -> Sequence[Report]:
    return reports(SourceKind.CLOUDEVENTS, body, headers=headers or STRUCTURED, **settings)


def binary(**changes: str) -> dict[str, str]:
    attributes = {"specversion": "1.0", "id": "e1", "source": "/checks/eu", "type": "example.check.changed"} | changes
    headers = {f"ce-{name}": value for name, value in attributes.items()}
    return headers | {"content-type": "application/json", "ce-time": "2026-08-01T09:57:31Z", "ce-subject": "checkout"}


def test_an_event_is_read_by_the_documented_shape() -> None:
    (report,) = read(an_event())
    assert report.is_firing
    assert report.alerts[0].impact is Impact.MAJOR
    assert report.alerts[0].components == {"checkout": None}
    assert report.alerts[0].started_at == report.at == datetime(2026, 8, 1, 9, 57, 31, tzinfo=UTC)
    assert report.title == "Checkout fails"


def test_all_modes_say_the_same() -> None:
    encoded = base64.b64encode(json.dumps(DATA).encode()).decode()
    one = read(an_event())
    assert read([an_event()], BATCHED) == one
    assert read(DATA, binary()) == one
    assert read(an_event(data=..., data_base64=encoded)) == one


def test_source_and_id_identify_an_event() -> None:
    changes = {read(an_event(**changed))[0].change for changed in ({}, {"id": "e2"}, {"source": "/b"}, {"type": "t"})}
    assert len(changes) == 3


def test_an_end_has_the_key_of_its_start_whatever_the_event() -> None:
    (start,), (end,) = read(an_event()), read(an_event(id="e2", type="other", data={"status": "OK"}))
    assert end.alerts[0].key == start.alerts[0].key
    assert not end.is_firing


def test_the_same_subject_of_another_source_is_another_condition() -> None:
    assert read(an_event())[0].alerts[0].key != read(an_event(source="/checks/us"))[0].alerts[0].key


def test_fields_of_the_source_replace_the_default_shape() -> None:
    fields = {"status": "data.now", "component": "region", "key": "data.nr"}
    (report,) = read(an_event(region="storefront", data={"now": "up", "nr": 3}), fields=fields)
    assert not report.is_firing
    assert report.alerts[0].components == {"storefront": None}
    assert report.title == "example.check.changed"


@pytest.mark.parametrize("data", [..., None, "text", {"colour": "red"}, {"status": "*status*"}])
def test_an_event_without_a_status_is_only_recorded(data: object) -> None:
    assert read(an_event(data=data))[0].ignored


def test_an_empty_batch_tells_of_nothing() -> None:
    assert read([], BATCHED) == []


def test_a_batch_is_bounded() -> None:
    with pytest.raises(MalformedInputError, match=str(MAX_EVENTS)):
        read([an_event()] * (MAX_EVENTS + 1), BATCHED)


@pytest.mark.parametrize("name", ["id", "source", "specversion", "type"])
@pytest.mark.parametrize("value", [..., None, ""])
def test_a_missing_attribute_is_malformed_and_named(name: str, value: object) -> None:
    with pytest.raises(MalformedInputError) as refused:
        read(an_event(**{name: value}))
    assert [error.field for error in refused.value.errors] == [name]
    with pytest.raises(MalformedInputError) as refused:
        read([an_event(), an_event(**{name: value})], BATCHED)
    assert [error.field for error in refused.value.errors] == [f"1.{name}"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"time": "hunter2"}, "time"),
        ({"subject": ""}, "subject"),
        ({"data_base64": "aGk="}, "body"),
        ({"data": ..., "data_base64": "hunter2!"}, "data_base64"),
    ],
)
def test_what_breaks_the_specification_is_malformed(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(MalformedInputError) as refused:
        read(an_event(**changes))
    assert [error.field for error in refused.value.errors] == [field]
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("content_type", ["application/cloudevents+xml", "application/cloudevents-batch+avro"])
def test_another_event_format_is_not_supported(content_type: str) -> None:
    with pytest.raises(UnsupportedFormatError):
        read(an_event(), {"content-type": content_type})


def test_a_body_without_any_attribute_is_no_event() -> None:
    with pytest.raises(MalformedInputError, match="ce-specversion"):
        read(DATA, {"content-type": "application/json"})


@pytest.mark.parametrize(
    ("value", "subject"),
    [("Kassa%20%E2%82%AC", "Kassa \N{EURO SIGN}"), ('"a \\"b\\""', 'a "b"'), ("100%25", "100%"), ("%2525", "%25")],
)
def test_header_values_are_decoded_once(value: str, subject: str) -> None:
    (report,) = read({"status": "down"}, binary() | {"ce-subject": value}, fields={"title": "subject"})
    assert report.title == subject


def test_a_header_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(MalformedInputError, match="ce-id"):
        read(DATA, binary(id="%FF"))


def test_binary_data_of_another_type_is_not_read() -> None:
    assert read(b"<status>down</status>", binary() | {"content-type": "application/xml"})[0].ignored


def test_data_that_is_not_json_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="Invalid JSON"):
        read(b"{", binary())
