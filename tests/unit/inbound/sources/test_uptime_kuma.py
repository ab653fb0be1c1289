import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from notifier.domain.errors import InvalidInputError
from notifier.domain.proposals.signal import Report
from notifier.domain.proposals.source_rules import SourceKind
from notifier.domain.values import Impact
from tests.unit.inbound.sources.readings import reports


def a_body(status: object = 0, **monitor: Any) -> dict[str, Any]:
    return {
        "heartbeat": {
            "monitorID": 7,
            "status": status,
            "time": "2026-08-01 09:57:31.204",
            "msg": "connect ETIMEDOUT",
            "important": True,
            "ping": None,
        },
        "monitor": {"id": 7, "name": "Checkout", "url": "https://shop.example/", "tags": []} | monitor,
        "msg": "[Checkout] [Down] connect ETIMEDOUT",
    }


def read(body: object, **more: Any) -> Sequence[Report]:
    return reports(SourceKind.UPTIME_KUMA, body, **more)


def test_a_monitor_that_is_down_fires_from_the_time_of_its_beat() -> None:
    (report,) = read(a_body())
    assert (report.is_firing, report.ignored, report.link) == (True, None, "https://shop.example/")
    assert report.alerts[0].started_at == datetime(2026, 8, 1, 9, 57, 31, 204_000, tzinfo=UTC)
    assert report.alerts[0].components == {"checkout": None}
    assert report.title == "[Checkout] [Down] connect ETIMEDOUT"


@pytest.mark.parametrize("status", [1, "1", "up", "UP"])
def test_up_ends_what_down_began(status: object) -> None:
    (down,), (up,) = read(a_body()), read(a_body(status))
    assert down.alerts[0].key == up.alerts[0].key
    assert not up.is_firing


def test_a_monitor_that_is_pending_tells_of_nothing() -> None:
    assert read(a_body(2)) == []


def test_maintenance_is_only_recorded_and_does_not_touch_what_fires() -> None:
    (down,), (maintained,) = read(a_body()), read(a_body(3))
    assert maintained.ignored
    assert maintained.group != down.group


@pytest.mark.parametrize("absent", [{"heartbeat": None, "monitor": None}, {}])
def test_a_test_message_is_only_recorded(absent: dict[str, Any]) -> None:
    (report,) = read(absent | {"msg": "My Uptime Kuma Testing"})
    assert report.ignored
    assert report.title == "My Uptime Kuma Testing"


@pytest.mark.parametrize(
    "tags",
    [
        [{"name": "component", "value": "Storefront"}, {"name": "team", "value": "checkout"}],
        [{"name": "storefront", "value": ""}],
        [{"name": "service", "value": "storefront", "color": "#fff"}],
    ],
)
def test_tags_name_components_before_the_monitor_does(tags: list[dict[str, Any]]) -> None:
    assert read(a_body(tags=tags))[0].alerts[0].components == {"storefront": None}


def test_a_tag_is_the_severity() -> None:
    tags = [{"name": "severity", "value": "Critical"}]
    assert read(a_body(tags=tags))[0].alerts[0].impact is Impact.MAJOR
    assert read(a_body())[0].alerts[0].impact is Impact.MINOR


def test_a_tag_may_be_ignored() -> None:
    tags = [{"name": "env", "value": "Test"}]
    assert (
        read(a_body(tags=tags), ignore=[{"env": "test"}])[0].ignored == 'only recorded: the source ignores env="test"'
    )


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_form_data_holds_the_json_in_one_field(content_type: str) -> None:
    said = json.dumps(a_body())
    part = f'--x\r\nContent-Disposition: form-data; name="data"\r\n\r\n{said}\r\n--x--\r\n'
    body = part if content_type.startswith("multipart") else urlencode({"data": said})
    assert read(body.encode(), headers={"content-type": content_type}) == read(a_body())


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"text": "hunter2"}, "body"),
        ({"heartbeat": {"status": "hunter2", "monitorID": 1}}, "heartbeat.status"),
        ({"heartbeat": {"status": 9, "monitorID": 1}}, "heartbeat.status"),
        ({"heartbeat": {"status": 0}, "monitor": None}, "body"),
        ({"heartbeat": {"status": 0, "monitorID": 1, "time": "hunter2"}}, "heartbeat.time"),
        ([], "body"),
        (b"{", "body"),
    ],
)
def test_a_fault_is_named_without_its_value(body: object, field: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read(body)
    assert refused.value.errors[0].field == field
    assert "hunter2" not in str(refused.value)
