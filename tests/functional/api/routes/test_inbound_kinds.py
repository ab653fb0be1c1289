"""Every kind of source, from its first report to its end: nobody is told before a person publishes."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from notifier.services.security.audit import Actor
from tests.functional.api.api_client import Api, faults

Json = dict[str, Any]
EVENTS = {"Content-Type": "application/cloudevents+json"}
GENERIC = (
    '[[sources]]\nname = "it"\nkind = "generic"\n'
    'fields = { key = "id", status = "state", component = "part", severity = "level", title = "name" }\n'
)


def uptime_kuma(*, is_over: bool, number: int) -> Json:
    beat = {"monitorID": 7, "status": int(is_over), "time": f"2026-08-01 09:5{number}:31", "msg": "it"}
    return {"heartbeat": beat, "monitor": {"id": 7, "name": "Checkout", "tags": []}, "msg": "it"}


def better_stack(*, is_over: bool, number: int) -> Json:
    told = {"name": "Checkout", "status": "Resolved" if is_over else "Started", "cause": f"{number}"}
    return {"data": {"id": "1", "type": "incident", "attributes": told}}


def cloudevents(*, is_over: bool, number: int) -> Json:
    data = {"status": "resolved" if is_over else "firing", "component": "checkout"}
    event = {"specversion": "1.0", "id": f"e{number}", "source": "/checks", "type": "check", "subject": "pay"}
    return event | {"time": f"2026-08-01T09:5{number}:31Z", "data": data}


def generic(*, is_over: bool, number: int) -> Json:
    return {"id": 4, "state": "OK" if is_over else "CRITICAL", "part": "checkout", "name": f"Pay {number}"}


@dataclass
class Sender:
    api: Api
    kind: str
    body: Callable[..., Json]
    number: int = 0

    @property
    def path(self) -> str:
        return f"/v1/inbound/{self.kind}/it"

    def post(self, body: object) -> Json:
        headers = EVENTS if self.kind == "cloudevents" else {"Content-Type": "application/json"}
        answer = self.api.post(self.path, content=json.dumps(body).encode(), headers=headers)
        assert answer.status_code == 202, answer.text
        found: Json = answer.json()
        return found

    def fires(self) -> Json:
        self.number += 1
        return self.post(self.body(is_over=False, number=self.number))

    def ends(self) -> Json:
        self.number += 1
        return self.post(self.body(is_over=True, number=self.number))

    def draft(self, told: Json) -> Json:
        found: Json = self.api.get(f"/v1/drafts/{told['draft_id']}").json()
        return found


@pytest.fixture(params=[uptime_kuma, better_stack, cloudevents, generic])
def sender(api_with: Callable[[str], Api], request: pytest.FixtureRequest) -> Sender:
    return Sender(api_with(GENERIC if request.param is generic else ""), request.param.__name__, request.param)


def test_a_report_is_proposed_and_a_repeat_changes_nothing(sender: Sender) -> None:
    first = sender.fires()
    assert (first["outcome"], first["incident_id"]) == ("recorded", None)
    draft = sender.draft(first)
    assert [component["key"] for component in draft["incident"]["components"]] == ["checkout"]
    again = sender.fires()
    assert (again["signal_id"], again["draft_id"]) == (first["signal_id"], first["draft_id"])
    assert sender.draft(first) == draft
    assert sender.api.get("/v1/incidents").json()["items"] == []


def test_an_end_before_publication_discards_the_draft(sender: Sender) -> None:
    first = sender.fires()
    assert sender.ends()["signal_id"] == first["signal_id"]
    assert sender.draft(first)["state"] == "discarded"


def test_a_flap_continues_the_same_signal_and_the_same_draft(sender: Sender) -> None:
    first = sender.fires()
    sender.ends()
    again = sender.fires()
    assert (again["signal_id"], again["draft_id"]) == (first["signal_id"], first["draft_id"])
    assert sender.draft(first)["state"] == "open"


def test_the_end_of_what_was_published_is_proposed(sender: Sender) -> None:
    first = sender.fires()
    draft = sender.draft(first)
    published = sender.api.post(f"/v1/drafts/{draft['id']}/publish", json={"version": draft["version"]})
    assert published.status_code == 202, published.text
    end = sender.draft(sender.ends())
    assert (end["state"], end["update"]["status"]) == ("open", "resolved")
    assert end["incident"]["id"] == draft["incident"]["id"]


def test_an_end_of_nothing_is_only_recorded(sender: Sender) -> None:
    told = sender.ends()
    assert (told["signal_id"], told["draft_id"]) == (None, None)


def test_a_delivery_of_cloud_events_that_comes_late_does_not_begin_anew_what_has_ended(api: Api) -> None:
    sender = Sender(api, "cloudevents", cloudevents)
    first = sender.fires()
    sender.ends()
    assert sender.post(cloudevents(is_over=False, number=1))["outcome"] == "duplicate"
    assert sender.draft(first)["state"] == "discarded"


def test_a_batch_of_events_is_taken_as_a_whole(api: Api) -> None:
    events = [cloudevents(is_over=False, number=1), cloudevents(is_over=False, number=2) | {"subject": "other"}]
    headers = {"Content-Type": "application/cloudevents-batch+json"}
    path = "/v1/inbound/cloudevents/it"
    assert api.post(path, content=json.dumps(events).encode(), headers=headers).status_code == 202
    assert api.post(path, content=b"[]", headers=headers).json()["signal_id"] is None
    broken = [cloudevents(is_over=False, number=3), {"specversion": "1.0"}]
    refused = api.post(path, content=json.dumps(broken).encode(), headers=headers)
    assert refused.status_code == 400
    assert set(faults(refused)) == {"1.id", "1.source", "1.type"}


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/cloudevents+xml", b"<event/>", 415),
        ("application/cloudevents+json", b"{", 400),
        ("application/cloudevents+json", b"{}", 400),
        ("application/json", b"{}", 400),
    ],
)
def test_what_is_no_event_is_refused_by_its_fault(api: Api, content_type: str, body: bytes, status: int) -> None:
    answer = api.post("/v1/inbound/cloudevents/it", content=body, headers={"Content-Type": content_type})
    assert answer.status_code == status


def test_a_sender_that_asks_first_gets_consent_with_a_valid_key_alone(api: Api) -> None:
    path, asks = (
        "/v1/inbound/cloudevents/it",
        {"WebHook-Request-Origin": "events.example", "WebHook-Request-Rate": "120"},
    )
    granted = api.call("OPTIONS", path, headers=asks)
    assert granted.status_code == 204
    assert granted.headers["WebHook-Allowed-Origin"] == "events.example"
    assert granted.headers["WebHook-Allowed-Rate"] == "*"
    refused = api.call("OPTIONS", path, headers=asks | {"Authorization": "Bearer wrong"})
    assert refused.status_code == 401
    assert "WebHook-Allowed-Origin" not in refused.headers
    assert api.call("OPTIONS", f"{path}?key={api.key('publish')}", headers={"Authorization": ""}).status_code == 204


def test_a_generic_source_that_is_not_listed_is_refused_with_what_to_write(api: Api) -> None:
    answer = api.post("/v1/inbound/generic/unheard-of", json={"id": 1})
    assert answer.status_code == 422
    assert '[[sources]] name = "unheard-of", kind = "generic", fields = ' in faults(answer)["source"]


def test_broken_json_is_answered_with_its_position(api_with: Callable[[str], Api]) -> None:
    answer = api_with(GENERIC).post("/v1/inbound/generic/it", content=b'{"id": "a"b"}')
    assert answer.status_code == 400
    assert "column 11" in answer.json()["detail"]


def test_a_source_that_may_announce_does_so_and_one_that_records_proposes_nothing(
    api_with: Callable[[str], Api],
) -> None:
    listed = '[[sources]]\nname = "{mode}"\nkind = "uptime_kuma"\nmode = "{mode}"\n'
    api = api_with(listed.format(mode="publish") + listed.format(mode="record"))
    body = uptime_kuma(is_over=False, number=1)
    announced = api.post("/v1/inbound/uptime_kuma/publish", json=body).json()
    assert announced["outcome"] == "accepted"
    assert api.get(f"/v1/incidents/{announced['incident_id']}").json()["updates"][0]["status"] == "investigating"
    recorded = api.post("/v1/inbound/uptime_kuma/record", json=body).json()
    assert (recorded["outcome"], recorded["draft_id"], recorded["incident_id"]) == ("recorded", None, None)


def test_a_key_of_one_source_opens_neither_the_deliveries_nor_the_consent_of_another(api: Api) -> None:
    key = api.container.api_keys.create("test", ("publish",), Actor("tests", "here"), source="bus").plaintext
    bearer = {"Authorization": f"Bearer {key}"}
    for source, status in (("bus", 204), ("other", 403)):
        assert api.call("OPTIONS", f"/v1/inbound/cloudevents/{source}", headers=bearer).status_code == status
