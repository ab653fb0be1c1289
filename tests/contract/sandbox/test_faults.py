"""Which requests meet a fault, and that all else is left alone."""

import http.client
import socket
import struct
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest

from notifier.sandbox.app import create_app
from notifier.sandbox.config import SandboxConfig
from notifier.sandbox.faults.rules import provider_of
from notifier.sandbox.transport import transport_of
from tests.contract.sandbox.sendgrid_requests import MAIL_SEND, a_personalization, a_request, send
from tests.sandbox_server import RunningSandbox


def statuses(sandbox: RunningSandbox, number: int) -> list[int]:
    return [send(sandbox, a_request()).status for _ in range(number)]


def test_first_so_many_requests_are_hit(sandbox: RunningSandbox) -> None:
    sandbox.fault("sendgrid", "status", status=503, count=2)
    assert statuses(sandbox, 4) == [503, 503, 202, 202]


def test_every_third_request_is_hit_for_ever(sandbox: RunningSandbox) -> None:
    sandbox.fault("sendgrid", "status", status=500, every=3)
    assert statuses(sandbox, 7) == [202, 202, 500, 202, 202, 500, 202]


def test_some_requests_pass_before_the_fault_begins(sandbox: RunningSandbox) -> None:
    sandbox.fault("sendgrid", "status", status=401, skip=2, every=2, count=1)
    assert statuses(sandbox, 6) == [202, 202, 202, 401, 202, 202]


def test_faults_take_turns_in_the_order_they_were_asked_for(sandbox: RunningSandbox) -> None:
    sandbox.fault("sendgrid", "status", status=429, count=1)
    sandbox.fault("sendgrid", "status", status=500, count=1)
    assert statuses(sandbox, 3) == [429, 500, 202]


@pytest.mark.parametrize(
    ("match", "hit"),
    [
        ("mail/send", True),
        ("mail/batch", False),
        ({"method": "POST"}, True),
        ({"method": "GET"}, False),
        ({"body": "owner7@shop.example"}, True),
        ({"body": "owner8@shop.example"}, False),
        ({"method": "POST", "path": "/v3/", "body": "locale-en"}, True),
    ],
)
def test_only_requests_that_match_are_hit(sandbox: RunningSandbox, match: Any, *, hit: bool) -> None:
    sandbox.fault("sendgrid", "status", status=503, match=match)
    assert send(sandbox, a_request(a_personalization(7))).status == (503 if hit else 202)


@pytest.mark.parametrize("provider", ["x", "mastodon", "bluesky", "hooks"])
def test_fault_of_one_provider_leaves_the_others_alone(sandbox: RunningSandbox, provider: str) -> None:
    sandbox.fault(provider, "status", status=503)
    assert statuses(sandbox, 1) == [202]
    path = {"x": "/x/2/users/me", "mastodon": "/mastodon/api/v2/instance", "hooks": "/hooks/a"}
    assert sandbox.call("GET", path.get(provider, "/bluesky/xrpc/app.bsky.actor.getProfile")).status == 503


def test_fault_of_every_provider_leaves_the_sandboxs_own_pages_alone(sandbox: RunningSandbox) -> None:
    sandbox.fault("*", "status", status=503)
    assert statuses(sandbox, 1) == [503]
    for path in ("/", "/sandbox/api/summary", "/sandbox/faults"):
        assert sandbox.call("GET", path).status == 200


@pytest.mark.parametrize(
    ("path", "provider"),
    [
        ("/sendgrid/v3/mail/send", "sendgrid"),
        ("/v3/mail/send", "sendgrid"),
        ("/x/2/tweets", "x"),
        ("/2/tweets", "x"),
        ("/mastodon/api/v1/statuses", "mastodon"),
        ("/api/v1/statuses", "mastodon"),
        ("/bluesky/xrpc/x", "bluesky"),
        ("/xrpc/x", "bluesky"),
        ("/hooks/partner", "hooks"),
        ("/", None),
        ("/inbox/x", None),
        ("/sandbox/api/summary", None),
    ],
)
def test_path_belongs_to_its_provider(path: str, provider: str | None) -> None:
    assert provider_of(path) == provider


def test_faults_can_be_listed_with_their_hits_and_removed(sandbox: RunningSandbox) -> None:
    sandbox.fault("sendgrid", "status", status=503, count=5)
    statuses(sandbox, 2)
    listed = sandbox.get("/sandbox/faults")
    assert [fault["hits"] for fault in listed["items"]] == [2]
    assert listed["log"][-1][1:] == ["POST", MAIL_SEND]
    assert sandbox.call("DELETE", f"/sandbox/faults/{listed['items'][0]['id']}").status == 204
    assert statuses(sandbox, 1) == [202]


@pytest.mark.parametrize(
    "fault",
    [
        {"provider": "sendgrid"},
        {"provider": "fax", "kind": "status"},
        {"provider": "x", "kind": "explode"},
        {"provider": "x", "kind": "status", "status": 99},
        {"provider": "x", "kind": "status", "every": 0},
        {"provider": "x", "kind": "status", "often": True},
    ],
)
def test_malformed_fault_is_refused(sandbox: RunningSandbox, fault: dict[str, Any]) -> None:
    assert sandbox.call("POST", "/sandbox/faults", fault).status == 422


def test_answer_of_ones_own_making_is_sent_as_it_is(sandbox: RunningSandbox) -> None:
    sandbox.fault("sendgrid", "status", status=429, body='{"errors": "odd"}', headers={"Retry-After": "7"}, count=1)
    answer = send(sandbox, a_request())
    assert (answer.status, answer.json(), answer.headers["retry-after"]) == (429, {"errors": "odd"}, "7")
    sandbox.fault("sendgrid", "html_error", status=413, body="<h1>Too large</h1>", count=1)
    answer = send(sandbox, a_request())
    assert (answer.status, answer.body) == (413, b"<h1>Too large</h1>")
    assert answer.headers["content-type"].startswith("text/html")


def test_kept_connection_is_closed_without_a_byte(sandbox: RunningSandbox) -> None:
    address = urlsplit(sandbox.base_url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=5)
    connection.request("GET", "/mastodon/api/v2/instance")
    assert connection.getresponse().read()
    sandbox.fault("mastodon", "drop_before", count=1)
    connection.request("GET", "/mastodon/api/v2/instance")
    with pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()
    connection.close()


def test_truncated_answer_announces_more_than_it_sends(sandbox: RunningSandbox) -> None:
    sandbox.fault("mastodon", "truncate", count=1)
    with pytest.raises(http.client.IncompleteRead) as caught:
        sandbox.call("GET", "/mastodon/api/v2/instance")
    assert caught.value.partial
    assert caught.value.expected


def test_early_reset_does_not_wait_for_the_body(sandbox: RunningSandbox) -> None:
    sandbox.fault("sendgrid", "reset_early", count=1)
    address = urlsplit(sandbox.base_url)
    with socket.create_connection((str(address.hostname), address.port), timeout=5) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))
        connection.sendall(b"POST /v3/mail/send HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n{")
        with suppress(ConnectionResetError):
            assert connection.recv(100) == b""


def test_switch_is_checked_against_its_type(sandbox: RunningSandbox) -> None:
    for section, switches in (
        ("sendgrid", {"strict": "perhaps"}),
        ("sendgrid", {"nonsense": True}),
        ("sendgrid", {"leftover_tag": "x"}),
        ("x", {"replies": "some"}),
    ):
        assert sandbox.call("PATCH", f"/sandbox/switches/{section}", switches).status == 422
    assert sandbox.call("PATCH", "/sandbox/switches/fax", {}).status == 422


def test_connection_can_be_closed_only_under_the_sandboxs_own_server() -> None:
    assert create_app(SandboxConfig()).state.sandbox is not None
    with pytest.raises(RuntimeError, match="own server"):
        transport_of({"type": "http"})
