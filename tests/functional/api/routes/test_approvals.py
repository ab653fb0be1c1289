"""The blast guard over HTTP: a key without the right, the person who decides, and what the audit trail says."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.functional.api.api_client import ANNOUNCING_SOURCES, Api, a_subscriber, an_event, plan_all
from tests.functional.api.payloads import alert_group, an_alert

GUARDED = f"[guard]\nneeds_announce = true\n{ANNOUNCING_SOURCES}"


def held(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get("/v1/notifications/held").json()["items"]
    return found


def test_the_answer_says_how_many_an_event_concerns(api: Api) -> None:
    for number in range(4):
        api.post("/v1/subscribers", json=a_subscriber(number))
    api.post("/v1/subscribers", json=a_subscriber(9, preferences={"components": ["pos"]}))
    answer = api.post("/v1/events", json=an_event(1)).json()
    assert (answer["outcome"], answer["recipients"], answer["held"]) == ("accepted", 4, False)
    again = api.post("/v1/events", json=an_event(1)).json()
    assert (again["outcome"], again["recipients"], again["held"]) == ("duplicate", 0, False)


@pytest.mark.parametrize(
    ("scopes", "waits"), [(("publish",), True), (("publish", "announce"), False), (("publish", "manage"), True)]
)
def test_a_key_without_the_right_to_announce_waits_for_a_person(
    api_with: Callable[[str], Api], scopes: tuple[str, ...], *, waits: bool
) -> None:
    api = api_with(GUARDED)
    headers = {"Authorization": f"Bearer {api.key(*scopes)}"}
    answer = api.post("/v1/events", json=an_event(), headers=headers).json()
    assert (answer["outcome"], answer["held"]) == ("accepted", waits)
    assert len(held(api)) == (3 if waits else 0)


@pytest.mark.parametrize(("word", "state"), [("release", "planning"), ("cancel", "canceled")])
def test_a_person_decides_once_and_the_trail_tells(api_with: Callable[[str], Api], word: str, state: str) -> None:
    api = api_with(GUARDED)
    api.post("/v1/subscribers", json=a_subscriber())
    api.post("/v1/events", json=an_event(), headers={"Authorization": f"Bearer {api.key('publish')}"})
    (mail,) = [item for item in held(api) if item["channel"] == "email"]
    path = f"/v1/notifications/{mail['id']}/{word}"
    refused = api.post(path, headers={"Authorization": f"Bearer {api.key('publish')}"})
    assert refused.status_code == 403
    assert api.post(path).json() == {"id": mail["id"], "state": state}
    assert api.post(path).status_code == 409
    assert api.post(f"/v1/notifications/ntf_nothing/{word}").status_code == 404
    assert mail["id"] not in [item["id"] for item in held(api)]
    plan_all(api.container)
    told = api.get(f"/v1/notifications/{mail['id']}/deliveries").json()["items"]
    assert len(told) == (word == "release")
    (entry,) = api.get("/v1/audit", params={"object_kind": "notification"}).json()["items"]
    action = {"release": "notification.released", "cancel": "notification.canceled"}[word]
    assert (entry["action"], entry["object_id"], entry["actor"]) == (action, mail["id"], "key:admin")


def test_an_inbound_page_needs_the_right_too(api_with: Callable[[str], Api]) -> None:
    api = api_with(GUARDED)
    group = alert_group(an_alert(at=datetime.now(UTC).replace(microsecond=0)))
    headers = {"Authorization": f"Bearer {api.key('publish')}"}
    answer = api.post("/v1/inbound/alertmanager/prom", json=group, headers=headers)
    assert answer.json().get("outcome") == "accepted", answer.json()
    assert held(api)
