import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import update
from standardwebhooks import Webhook

from notifier.storage import tables as t
from tests.functional.api.api_client import Api, faults
from tests.functional.api.receiver import Receiver


def test_an_endpoints_life_through_the_api(api_anywhere: Api, receiver: Receiver) -> None:
    made = api_anywhere.post("/v1/endpoints", json={"url": receiver.url, "headers": {"X-Partner": "seven"}})
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    path = made.headers["location"]
    shown = api_anywhere.get(path)
    assert "secret" not in shown.json()
    assert shown.json()["headers"] == {"X-Partner": "********"}
    assert api_anywhere.patch(path, json={"state": "disabled"}).json()["state"] == "disabled"
    assert api_anywhere.post(f"{path}/enable").json()["state"] == "active"
    assert [item["id"] for item in api_anywhere.get("/v1/endpoints").json()["items"]] == [made.json()["id"]]
    assert api_anywhere.delete(path).status_code == 204
    assert api_anywhere.get(path).status_code == 404


def test_a_test_is_signed_and_its_answer_told(api: Api, receiver: Receiver) -> None:
    made = api.post("/v1/endpoints", json={"url": receiver.url}).json()
    tested = api.post(f"/v1/endpoints/{made['id']}/test").json()
    assert (tested["test"]["succeeded"], tested["test"]["status"]) == (True, 204)
    headers, body = receiver.got[0]
    assert Webhook(made["secret"]).verify(body, headers)["type"] == "endpoint.test"


def test_a_test_that_fails_says_why(api: Api, receiver: Receiver) -> None:
    receiver.status = 500
    made = api.post("/v1/endpoints", json={"url": receiver.url}).json()
    tested = api.post(f"/v1/endpoints/{made['id']}/test")
    assert tested.status_code == 200
    assert (tested.json()["test"]["succeeded"], tested.json()["test"]["status"]) == (False, 500)


def test_after_a_rotation_both_secrets_verify(api: Api, receiver: Receiver) -> None:
    made = api.post("/v1/endpoints", json={"url": receiver.url}).json()
    rotated = api.post(f"/v1/endpoints/{made['id']}/rotate").json()
    assert rotated["secret"] != made["secret"]
    api.post(f"/v1/endpoints/{made['id']}/test")
    headers, body = receiver.got[0]
    for secret in (made["secret"], rotated["secret"]):
        assert json.loads(body) == Webhook(secret).verify(body, headers)


def test_an_overlap_of_years_is_refused(api: Api, receiver: Receiver) -> None:
    made = api.post("/v1/endpoints", json={"url": receiver.url}).json()
    answer = api.post(f"/v1/endpoints/{made['id']}/rotate?overlap_seconds=99999999")
    assert list(faults(answer)) == ["overlap_seconds"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "http://169.254.169.254/latest/meta-data"}, "url"),
        ({"url": "ftp://partner.example/"}, "url"),
        ({"url": "https://partner.example/", "headers": {"Host": "other.example"}}, "headers.Host"),
        ({"url": "https://partner.example/", "components": ["shop"]}, "components"),
        ({"url": "https://partner.example/", "format": "xml"}, "format"),
        ({}, "url"),
    ],
)
def test_an_endpoint_at_fault_is_refused_by_name(api: Api, body: dict[str, Any], field: str) -> None:
    answer = api.post("/v1/endpoints", json=body)
    assert answer.status_code == 422
    assert field in faults(answer)


def test_a_secret_that_no_key_opens_is_a_conflict_that_rotating_solves(api: Api, receiver: Receiver) -> None:
    made = api.post("/v1/endpoints", json={"url": receiver.url}).json()
    path = f"/v1/endpoints/{made['id']}"
    with api.container.database.write() as connection:
        connection.execute(update(t.endpoint).values(secrets=[{"sealed": "of another house", "until": None}]))
    for answer in (api.patch(path, json={"description": "x"}), api.post(f"{path}/test")):
        assert answer.status_code == 409  # the client of these tests compares with what is documented
        assert "rotate this endpoint's secret" in answer.json()["detail"]
    assert api.post(f"{path}/rotate").status_code == 200
    assert api.patch(path, json={"description": "x"}).status_code == 200


@pytest.mark.parametrize("call", ["test", "rotate", "enable"])
def test_calls_on_an_endpoint_that_is_not_there(api: Api, call: str) -> None:
    assert api.post(f"/v1/endpoints/end_none/{call}").status_code == 404


def test_an_endpoint_may_have_a_key_pair_of_which_only_the_public_half_is_shown(api: Api, receiver: Receiver) -> None:
    made = api.post("/v1/endpoints", json={"url": receiver.url, "signature": "ed25519"}).json()
    assert (made["signature"], made["secret"]) == ("ed25519", None)
    first = made["public_key"]
    assert first.startswith("whpk_")
    assert "whsk_" not in json.dumps(api.get(f"/v1/endpoints/{made['id']}").json())
    second = api.post(f"/v1/endpoints/{made['id']}/rotate").json()["public_key"]
    assert second != first
    assert api.post(f"/v1/endpoints/{made['id']}/test").json()["test"]["succeeded"] is True
    headers, body = receiver.got[-1]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    signatures = headers["webhook-signature"].split()
    assert len(signatures) == 2
    for key, signature in zip((second, first), signatures, strict=True):
        version, _, text = signature.partition(",")
        assert version == "v1a"
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key.removeprefix("whpk_")))
        public.verify(base64.b64decode(text), signed)


def test_where_verifying_comes_first_an_endpoint_waits_for_a_test_that_succeeds(
    api_with: Callable[[str], Api], receiver: Receiver
) -> None:
    api = api_with("[webhooks]\nverify = true\n")
    made = api.post("/v1/endpoints", json={"url": receiver.url}).json()
    assert made["state"] == "pending"
    receiver.status = 500
    assert api.post(f"/v1/endpoints/{made['id']}/test").json()["state"] == "pending"
    receiver.status = 204
    assert api.post(f"/v1/endpoints/{made['id']}/test").json()["state"] == "active"
    Webhook(made["secret"]).verify(receiver.got[-1][1], receiver.got[-1][0])
    moved = api.patch(f"/v1/endpoints/{made['id']}", json={"url": receiver.url + "/new"}).json()
    assert moved["state"] == "pending"


@pytest.mark.parametrize(("method", "call", "body"), [("POST", "/enable", None), ("PATCH", "", {"state": "active"})])
def test_a_person_may_let_an_endpoint_in_unverified_and_the_trail_says_who(
    api_with: Callable[[str], Api], receiver: Receiver, method: str, call: str, body: dict[str, str] | None
) -> None:
    api = api_with("[webhooks]\nverify = true\n")
    made = api.post("/v1/endpoints", json={"url": receiver.url}).json()
    assert api.call(method, f"/v1/endpoints/{made['id']}{call}", json=body).json()["state"] == "active"
    assert receiver.got == []
    newest = api.get("/v1/audit").json()["items"][0]
    assert newest["object_id"] == made["id"]
    assert newest["actor"].startswith("key:")
    assert newest["detail"]["state"] == ["pending", "active"]
