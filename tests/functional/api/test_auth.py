import logging
import re

import pytest

from notifier.services.security.audit import Actor
from tests.functional.api.api_client import ADMIN, Api, an_event, announced, deliveries_of, plan_all
from tests.functional.api.receiver import Receiver

MANY = [
    ("POST", "/v1/events", "publish"),
    ("GET", "/v1/incidents", "read"),
    ("GET", "/v1/incidents/inc-1", "read"),
    ("GET", "/v1/incidents/inc-1/notifications", "read"),
    ("GET", "/v1/incidents/inc-1/explain?subscriber=shop-1", "read"),
    ("GET", "/v1/incidents/inc-1/closure", "read"),
    ("GET", "/v1/incidents/inc-1/progress", "read"),
    ("GET", "/v1/providers", "read"),
    ("GET", "/v1/notifications/ntf_1/deliveries", "read"),
    ("GET", "/v1/notifications/held", "read"),
    ("POST", "/v1/notifications/ntf_1/release", "manage"),
    ("POST", "/v1/notifications/ntf_1/cancel", "manage"),
    ("GET", "/v1/deliveries/dlv_1", "read"),
    ("POST", "/v1/deliveries/replay", "manage"),
    ("POST", "/v1/deliveries/retry", "manage"),
    ("GET", "/v1/posts", "read"),
    ("GET", "/v1/posts/post_1", "read"),
    ("PATCH", "/v1/posts/post_1", "manage"),
    ("DELETE", "/v1/posts/post_1", "manage"),
    ("GET", "/v1/subscribers", "read"),
    ("POST", "/v1/subscribers", "manage"),
    ("POST", "/v1/subscribers/import", "manage"),
    ("GET", "/v1/subscribers/export", "manage"),
    ("GET", "/v1/subscribers/shop-1", "read"),
    ("PATCH", "/v1/subscribers/shop-1", "manage"),
    ("DELETE", "/v1/subscribers/shop-1", "manage"),
    ("GET", "/v1/endpoints", "read"),
    ("POST", "/v1/endpoints", "manage"),
    ("GET", "/v1/endpoints/end_1", "read"),
    ("PATCH", "/v1/endpoints/end_1", "manage"),
    ("DELETE", "/v1/endpoints/end_1", "manage"),
    ("GET", "/v1/endpoints/end_1/deliveries", "read"),
    ("POST", "/v1/endpoints/end_1/test", "manage"),
    ("POST", "/v1/endpoints/end_1/rotate", "manage"),
    ("POST", "/v1/endpoints/end_1/enable", "manage"),
    ("GET", "/v1/audit", "manage"),
    ("GET", "/v1/signals", "read"),
    ("GET", "/v1/signals/sig_1", "read"),
    ("POST", "/v1/signals/sig_1/ignore", "publish"),
    ("POST", "/v1/drafts", "publish"),
    ("GET", "/v1/drafts", "read"),
    ("GET", "/v1/drafts/drf_1", "read"),
    ("PATCH", "/v1/drafts/drf_1", "publish"),
    ("DELETE", "/v1/drafts/drf_1", "publish"),
    ("POST", "/v1/drafts/drf_1/publish", "publish"),
    ("GET", "/v1/drafts/drf_1/reach", "read"),
    ("GET", "/v1/drafts/drf_1/preview?channel=email", "read"),
    ("POST", "/v1/templates", "manage"),
    ("GET", "/v1/templates", "read"),
    ("GET", "/v1/templates/tpl_1", "read"),
    ("PATCH", "/v1/templates/tpl_1", "manage"),
    ("DELETE", "/v1/templates/tpl_1", "manage"),
    ("POST", "/v1/inbound/statuspage/cloud", "publish"),
    ("POST", "/v1/inbound/alertmanager/prom", "publish"),
    ("OPTIONS", "/v1/inbound/cloudevents/bus", "publish"),
    ("POST", "/v1/inbound/sendgrid/events", "publish"),
]


def matching(template: str) -> str:
    return re.sub(r"{\w+}", "[^/]+", template)


def test_every_call_of_the_api_is_in_the_list_above(api: Api) -> None:
    operations = {
        (method.upper(), path)
        for path, item in api.document["paths"].items()
        for method in item
        if path.startswith("/v1/") and path != "/v1/sign-ups"  # anybody may ask for mail
    }
    listed = [(method, path.partition("?")[0]) for method, path, _ in MANY]
    missing = [
        (method, template)
        for method, template in operations
        if not any(
            method == known and re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path) for known, path in listed
        )
    ]
    assert missing == []


def test_a_call_without_a_key_is_refused(api: Api) -> None:
    for method, path, _ in MANY:
        answer = api.call(method, path, headers={"Authorization": ""})
        assert (path, answer.status_code) == (path, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("held", ["publish", "manage", "read"])
def test_a_key_opens_what_its_scope_says_and_no_more(api: Api, held: str) -> None:
    headers = {"Authorization": f"Bearer {api.key(held)}"}
    for method, path, scope in MANY:
        opens = held == scope or (held == "manage" and scope == "read")
        answer = api.call(method, path, headers=headers)
        assert (path, answer.status_code == 403) == (path, not opens)
        assert answer.status_code != 401


@pytest.mark.parametrize(
    "presented", ["Bearer", "Bearer ", "Basic abc", "Bearer ntf_key_wrong", "ntf_key_wrong", "Bearer é"]
)
def test_wrong_keys_are_all_answered_alike(api: Api, presented: str) -> None:
    answer = api.get("/v1/incidents", headers={"Authorization": presented.encode()})
    none = api.get("/v1/incidents", headers={"Authorization": ""})
    assert answer.status_code == 401
    assert answer.json() == none.json()


def test_a_key_in_the_address_opens_inbound_calls_alone(api: Api) -> None:
    key = api.key("publish")
    bare = {"Authorization": ""}
    assert api.post(f"/v1/inbound/statuspage/cloud?key={key}", content=b"{}", headers=bare).status_code == 422
    assert api.post(f"/v1/events?key={key}", json=an_event(), headers=bare).status_code == 401
    assert api.get(f"/v1/incidents?key={api.key('read')}", headers=bare).status_code == 401


def test_a_key_that_is_bound_to_a_source_opens_that_source_alone(api: Api) -> None:
    made = api.container.api_keys.create("cloud", ["publish"], Actor("tests", "here"), source="cloud")
    bound = {"Authorization": f"Bearer {made.plaintext}"}
    paths = [
        "/v1/inbound/statuspage/cloud",
        "/v1/inbound/statuspage/other",
        "/v1/inbound/sendgrid/events",
        "/v1/events",
    ]
    answers = [api.post(path, content=b"{}", headers=bound).status_code for path in paths]
    assert answers == [422, 403, 403, 403]


def test_a_key_that_may_change_things_is_not_taken_in_an_address(api: Api) -> None:
    bare = {"Authorization": ""}
    for key in (ADMIN, api.key("publish", "manage")):
        for path in ("/v1/inbound/statuspage/cloud", "/v1/inbound/sendgrid/events"):
            answer = api.post(f"{path}?key={key}", content=b"{}", headers=bare)
            assert answer.status_code == 403
            assert "create a key" in answer.json()["detail"]
            assert api.post(path, content=b"{}", headers={"Authorization": f"Bearer {key}"}).status_code == 422


def test_no_key_is_ever_logged(api: Api, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
    key = api.key("publish")
    caplog.set_level(logging.DEBUG)
    api.post(f"/v1/inbound/statuspage/cloud?key={key}", content=b"{}", headers={"Authorization": ""})
    api.post("/v1/events", json=an_event(), headers={"Authorization": f"Bearer {key}"})
    api.post("/v1/events?key=" + key, json=an_event(), headers={"Authorization": ""})
    ours = [f"{record.getMessage()} {vars(record)}" for record in caplog.records if not record.name.startswith("http")]
    written = capsys.readouterr().out + "".join(ours)
    assert "/v1/inbound/{kind}/{source}" in written
    assert key not in written


def test_a_key_that_only_reads_sees_nobodys_address_and_no_password_of_a_partner(api: Api, receiver: Receiver) -> None:
    hook = f"{receiver.url}/services/T0/abcdefghijklmnopqrstuvwx?token=hunter2"
    body = {"url": hook, "description": "x", "owner_email": "ops@partner.example"}
    made = api.post("/v1/endpoints", json=body).json()
    notification = announced(api)
    delivery = next(iter(deliveries_of(api, notification).values()))["id"]
    for number in range(1, 4):
        api.patch(f"/v1/subscribers/shop-{number}", json={"name": "Bloemenhuis"})
    plan_all(api.container)
    reads, manages = ({"Authorization": f"Bearer {api.key(scope)}"} for scope in ("read", "manage"))
    secrets = ("owner-", "Bloemenhuis", "hunter2", "abcdefghijklmnopqrstuvwx", "ops@")
    for path, expected in {
        "/v1/subscribers": {"owner-", "Bloemenhuis"},
        "/v1/subscribers/shop-1": {"owner-", "Bloemenhuis"},
        "/v1/endpoints": {"hunter2", "abcdefghijklmnopqrstuvwx", "ops@"},
        f"/v1/endpoints/{made['id']}": {"hunter2", "abcdefghijklmnopqrstuvwx", "ops@"},
        f"/v1/endpoints/{made['id']}/deliveries": {"hunter2", "abcdefghijklmnopqrstuvwx"},
        f"/v1/notifications/{notification}/deliveries": {"owner-"},
        f"/v1/deliveries/{delivery}": {"owner-"},
        "/v1/incidents/inc-1/explain?subscriber=shop-1": set(),
    }.items():
        hidden, whole = (api.get(path, headers=headers).text for headers in (reads, manages))
        assert {secret for secret in secrets if secret in hidden} == set(), path
        assert {secret for secret in secrets if secret in whole} >= expected, path
    assert api.get("/v1/subscribers", headers=reads).json()["items"][0]["email"] == "o***@e***.com"
    url = api.get(f"/v1/endpoints/{made['id']}", headers=reads).json()["url"]
    assert url == f"{receiver.url}/services/T0/***?***"
