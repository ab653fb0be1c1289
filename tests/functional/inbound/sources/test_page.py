"""What docs/sources.md tells people to configure and to send works as it stands there."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.functional.api.api_client import Api
from tests.support.repository import ROOT

PAGE = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
TOML = "\n".join(re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL))
REQUESTS = re.findall(r"```http\nPOST (\S+)\n(.*?)\n\n(.*?)```", PAGE, re.DOTALL)
# What each sender puts in the place of its variables, when trouble begins and when it is over.
VALUES = {
    "UptimeRobot": (
        {"*monitorID*": "7", "*monitorFriendlyName*": "Checkout", "*alertDateTime*": "1785578251"},
        {"*alertType*": "1"},
        {"*alertType*": "2"},
    ),
    "PagerDuty": ({}, {}, {'"triggered"': '"resolved"', "incident.triggered": "incident.resolved"}),
    "Datadog": (
        {"$ALERT_CYCLE_KEY": "991", "$ALERT_ID": "3", "$ALERT_SCOPE": "service:checkout", "$ALERT_PRIORITY": "P2"},
        {"$ALERT_TRANSITION": "Triggered"},
        {"$ALERT_TRANSITION": "Recovered"},
    ),
    "Healthchecks": (
        {"$NOW": "2026-08-01T09:57:31+00:00"},
        {"$JSON": '{"name": "Checkout", "slug": "checkout", "uuid": "b6cb", "status": "down"}'},
        {"$JSON": '{"name": "Checkout", "slug": "checkout", "uuid": "b6cb", "status": "up"}'},
    ),
    "Checkly": (
        {"{{CHECK_ID}}": "c1", "{{CHECK_NAME}}": "Checkout", "{{STARTED_AT}}": "2026-08-01T09:57:31.000Z"},
        {"{{ALERT_TYPE}}": "ALERT_FAILURE"},
        {"{{ALERT_TYPE}}": "ALERT_RECOVERY"},
    ),
    "StatusCake": ({}, {}, {"Status=Down": "Status=Up"}),
}


@pytest.fixture
def api(api_with: Callable[[str], Api]) -> Api:
    return api_with(TOML)


def template(sender: str) -> str:
    section = re.search(rf"### {sender}\n(.*?)(?=\n###? |\Z)", PAGE, re.DOTALL)
    assert section
    blocks = re.findall(r"```(\w*)\n(.*?)```", section[1], re.DOTALL)
    (body,) = (text for language, text in blocks if language != "toml")
    return str(body).strip()


def filled(text: str, values: dict[str, str]) -> str:
    for variable in sorted(values, key=len, reverse=True):
        assert variable in text
        text = text.replace(variable, values[variable])
    return text


def sent(api: Api, sender: str, body: str) -> Any:
    kind = "application/x-www-form-urlencoded" if sender == "StatusCake" else "application/json"
    path = f"/v1/inbound/generic/{sender.lower()}"
    return api.post(path, content=body.encode(), headers={"Content-Type": kind})


@pytest.mark.parametrize(("path", "headers", "body"), REQUESTS)
def test_a_request_of_the_page_becomes_a_signal(api: Api, path: str, headers: str, body: str) -> None:
    named = dict(line.split(": ", 1) for line in headers.splitlines())
    answer = api.post(path, content=body.encode(), headers=named)
    assert answer.status_code == 202, answer.text
    is_end = "recovered" in body
    assert (answer.json()["signal_id"] is None) is is_end
    assert (answer.json()["draft_id"] is None) is is_end


@pytest.mark.parametrize("sender", sorted(VALUES))
def test_a_senders_template_begins_a_signal_and_ends_it(api: Api, sender: str) -> None:
    common, begun, over = VALUES[sender]
    body = filled(template(sender), common)
    first = sent(api, sender, filled(body, begun))
    assert first.status_code == 202, first.text
    assert first.json()["draft_id"]
    draft = api.get(f"/v1/drafts/{first.json()['draft_id']}").json()
    assert [component["key"] for component in draft["incident"]["components"]] == ["checkout"]
    assert sent(api, sender, filled(body, over)).json()["signal_id"] == first.json()["signal_id"]
    assert api.get(f"/v1/drafts/{draft['id']}").json()["state"] == "discarded"


@pytest.mark.parametrize(
    ("sender", "body"),
    [
        ("UptimeRobot", '{"monitorID": "7", "alertType": "3"}'),
        ("PagerDuty", '{"event": {"id": "1", "event_type": "pagey.ping", "resource_type": "pagey", "data": {}}}'),
        ("Datadog", '{"cycle": "1", "transition": "No Data"}'),
        ("Healthchecks", '{"check": {"uuid": "1", "name": "TEST", "status": "down"}}'),
        ("Checkly", '{"check_id": "1", "type": "ALERT_SSL"}'),
    ],
)
def test_what_is_no_disruption_is_only_recorded(api: Api, sender: str, body: str) -> None:
    told = sent(api, sender, body).json()
    assert told["signal_id"]
    assert told["draft_id"] is None


def test_a_query_counts_without_a_body(api: Api) -> None:
    query = urlencode({"monitorID": "7", "alertType": "1", "monitorFriendlyName": "Checkout"})
    assert api.post(f"/v1/inbound/generic/uptimerobot?{query}").json()["draft_id"]


def test_every_kind_has_a_request_and_every_sender_a_template() -> None:
    kinds = {path.split("/")[3] for path, _, _ in REQUESTS}
    assert kinds | {"generic"} == set(re.findall(r"^\| \[`(\w+)`\]", PAGE, re.MULTILINE))
    generic = PAGE.partition("\n## Generic\n")[2]
    assert set(re.findall(r"^### (\w+)", generic, re.MULTILINE)) == set(VALUES)
