import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.functional.api.house import Api, faults


class Receiver:
    """A partner's receiver on this machine; answers `status` and keeps what it was sent."""

    def __init__(self) -> None:
        self.status = 204
        self.got: list[tuple[dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(outer.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    thread = threading.Thread(target=found.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()
    thread.join()


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


@pytest.mark.parametrize("call", ["test", "rotate", "enable"])
def test_calls_on_an_endpoint_that_is_not_there(api: Api, call: str) -> None:
    assert api.post(f"/v1/endpoints/end_none/{call}").status_code == 404
