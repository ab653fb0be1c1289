"""The webhook receiver: signatures, repeats, order, and every way to misbehave."""

import http.client
import json
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from standardwebhooks import Webhook

from tests.sandbox_server import Answer, RunningSandbox, until

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


def a_payload(sequence: int = 1, incident: str = "inc-1") -> str:
    return json.dumps({"type": "incident.updated", "data": {"sequence": sequence, "incident": {"id": incident}}})


def signed(webhook_id: str, payload: str, secret: str = SECRET, at: datetime | None = None) -> dict[str, str]:
    at = at or datetime.now(UTC)
    signature = Webhook(secret).sign(webhook_id, at, payload)
    stamp = str(int(at.timestamp()))
    return {"webhook-id": webhook_id, "webhook-timestamp": stamp, "webhook-signature": signature}


def post(sandbox: RunningSandbox, name: str, webhook_id: str = "dlv_1", sequence: int = 1) -> Answer:
    payload = a_payload(sequence)
    return sandbox.call("POST", f"/hooks/{name}", payload.encode(), signed(webhook_id, payload))


def newest(sandbox: RunningSandbox, name: str) -> Any:
    return sandbox.get(f"/sandbox/api/hooks?name={name}")["items"][0]


def counted(sandbox: RunningSandbox, name: str) -> Any:
    return sandbox.get(f"/sandbox/api/hooks?name={name}")["hooks"][0]


def test_signed_request_is_verified_and_kept_whole(sandbox: RunningSandbox) -> None:
    sandbox.register_hook("signed", SECRET)
    assert post(sandbox, "signed").status == 200
    row = newest(sandbox, "signed")
    assert (row["verified"], row["why"], row["status"], row["attempt"]) == (True, None, 200, 1)
    assert row["body"] == a_payload()
    assert ["webhook-id", "dlv_1"] in row["headers"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"webhook-signature": "v1,AAAA"}, "no signature matches"),
        ({"webhook-id": "dlv_2"}, "no signature matches"),
        ({"webhook-timestamp": "soon"}, "webhook-timestamp is not a number"),
        ({"webhook-timestamp": "1785578400"}, "webhook-timestamp is more than five minutes away"),
        ({"webhook-signature": ""}, "a webhook-* header is missing"),
        ({"webhook-id": ""}, "a webhook-* header is missing"),
    ],
)
def test_request_that_does_not_verify_is_refused_and_the_reason_kept(
    sandbox: RunningSandbox, changes: dict[str, str], why: str
) -> None:
    sandbox.register_hook("signed", SECRET)
    headers = signed("dlv_1", a_payload()) | changes
    assert sandbox.call("POST", "/hooks/signed", a_payload().encode(), headers).status == 401
    row = newest(sandbox, "signed")
    assert (row["verified"], row["why"]) == (False, why)
    assert counted(sandbox, "signed")["unverified"] == 1
    assert sandbox.get("/sandbox/api/summary")["webhooks"]["unverified"] == 1


def test_changed_body_does_not_verify(sandbox: RunningSandbox) -> None:
    sandbox.register_hook("signed", SECRET)
    headers = signed("dlv_1", a_payload())
    assert sandbox.call("POST", "/hooks/signed", a_payload(2).encode(), headers).status == 401


def test_during_a_rotation_either_secret_and_either_signature_will_do(sandbox: RunningSandbox) -> None:
    sandbox.call("PUT", "/sandbox/hooks/rotating", {"secrets": [SECRET, OTHER]})
    for number, secret in enumerate((SECRET, OTHER)):
        headers = signed(f"dlv_{number}", a_payload(), secret)
        assert sandbox.call("POST", "/hooks/rotating", a_payload().encode(), headers).status == 200
    sandbox.register_hook("rotated", OTHER)
    both = signed("dlv_9", a_payload(), SECRET)
    both["webhook-signature"] += " " + signed("dlv_9", a_payload(), OTHER)["webhook-signature"]
    assert sandbox.call("POST", "/hooks/rotated", a_payload().encode(), both).status == 200


def test_secret_that_is_no_base64_is_refused(sandbox: RunningSandbox) -> None:
    assert sandbox.call("PUT", "/sandbox/hooks/x", {"secret": "whsec_***"}).status == 422


def test_receiver_without_a_secret_takes_anything_and_calls_it_unsigned(sandbox: RunningSandbox) -> None:
    assert sandbox.call("POST", "/hooks/open", b"not json").status == 200
    assert newest(sandbox, "open")["verified"] is None


def test_repeat_of_an_accepted_id_is_counted_as_a_repeat_and_a_duplicate(sandbox: RunningSandbox) -> None:
    sandbox.register_hook("repeats", SECRET)
    for _ in range(3):
        post(sandbox, "repeats")
    post(sandbox, "repeats", "dlv_2", 2)
    row = counted(sandbox, "repeats")
    assert (row["requests"], row["distinct"], row["repeats"]) == (4, 2, 2)
    assert sandbox.get("/sandbox/api/summary")["duplicates"]["webhook"] == 2


def test_retry_of_a_refused_id_is_no_repeat(sandbox: RunningSandbox) -> None:
    sandbox.register_hook("flaky", SECRET, {"kind": "fail_first", "count": 2, "status": 503})
    assert [post(sandbox, "flaky").status for _ in range(3)] == [503, 503, 200]
    assert post(sandbox, "flaky", "dlv_2", 2).status == 503
    row = counted(sandbox, "flaky")
    assert (row["accepted"], row["repeats"], row["distinct"]) == (1, 0, 2)
    assert sandbox.get("/sandbox/api/summary")["duplicates"]["webhook"] == 0


def test_gaps_and_wrong_order_are_told_per_incident(sandbox: RunningSandbox) -> None:
    sandbox.register_hook("order", SECRET)
    for number, sequence in enumerate((1, 2, 5, 3)):
        post(sandbox, "order", f"dlv_{number}", sequence)
    row = counted(sandbox, "order")
    assert row["gaps"] == {"inc-1": [4]}
    assert row["out_of_order"] == 1


@pytest.mark.parametrize(("behaviour", "status"), [("gone", 410), ({"kind": "status", "status": 418}, 418)])
def test_receiver_answers_as_it_was_told(sandbox: RunningSandbox, behaviour: Any, status: int) -> None:
    sandbox.register_hook("told", SECRET, behaviour)
    assert [post(sandbox, "told").status for _ in range(2)] == [status, status]
    assert counted(sandbox, "told")["accepted"] == 0


def test_refusal_can_name_a_time_to_retry(sandbox: RunningSandbox) -> None:
    sandbox.register_hook("busy", SECRET, {"kind": "status", "status": 429, "retry_after": "120"})
    assert post(sandbox, "busy").headers["retry-after"] == "120"


def test_redirect_is_a_307_to_elsewhere(sandbox: RunningSandbox) -> None:
    sandbox.register_hook("moved", SECRET, {"kind": "redirect", "location": "http://127.0.0.1:9/"})
    address = urlsplit(sandbox.base_url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=5)
    connection.request("POST", "/hooks/moved", a_payload(), signed("dlv_1", a_payload()))
    answer = connection.getresponse()
    assert (answer.status, answer.headers["location"]) == (307, "http://127.0.0.1:9/")
    connection.close()


def test_slow_receiver_answers_after_its_time(sandbox: RunningSandbox) -> None:
    sandbox.register_hook("slow", SECRET, {"kind": "slow", "seconds": 0.3})
    started = time.monotonic()
    assert post(sandbox, "slow").status == 200
    assert time.monotonic() - started >= 0.3


def test_dripping_receiver_takes_its_time_over_the_body(sandbox: RunningSandbox) -> None:
    sandbox.register_hook("drip", SECRET, {"kind": "drip", "seconds": 0.5})
    started = time.monotonic()
    answer = post(sandbox, "drip")
    assert (answer.status, answer.body) == (200, b".....")
    assert time.monotonic() - started >= 0.4


def test_hanging_receiver_holds_on_until_the_caller_gives_up(sandbox: RunningSandbox) -> None:
    sandbox.register_hook("hang", SECRET, "hang")
    with pytest.raises(TimeoutError):
        sandbox.call("POST", "/hooks/hang", a_payload().encode(), signed("dlv_1", a_payload()), timeout=0.3)
    until(lambda: newest(sandbox, "hang")["status"] is not None)


def test_slow_receiver_does_not_hold_up_another(sandbox: RunningSandbox) -> None:
    sandbox.register_hook("slow", SECRET, {"kind": "slow", "seconds": 1.0})
    thread = threading.Thread(target=post, args=(sandbox, "slow"))
    thread.start()
    assert post(sandbox, "quick", "dlv_2").status == 200
    assert thread.is_alive()
    thread.join()


def test_cloud_event_around_the_same_data_is_understood(sandbox: RunningSandbox) -> None:
    body = json.dumps({"specversion": "1.0", "data": json.loads(a_payload(4))["data"]}).encode()
    sandbox.call("POST", "/hooks/events", body)
    assert counted(sandbox, "events")["gaps"] == {"inc-1": [1, 2, 3]}


def test_times_of_a_notification_are_those_of_its_first_and_last_delivery(sandbox: RunningSandbox) -> None:
    for number in range(3):
        sandbox.register_hook(f"partner-{number}", SECRET)
        post(sandbox, f"partner-{number}", f"dlv_{number}", 2)
    [row] = [row for row in sandbox.get("/sandbox/api/notifications")["items"] if row["channel"] == "webhook"]
    assert (row["notification_id"], row["count"]) == ("inc-1/2", 3)
    spread = datetime.fromisoformat(row["last_at"]) - datetime.fromisoformat(row["first_at"])
    assert timedelta(0) <= spread < timedelta(seconds=5)


def test_removed_receiver_forgets_its_secret(sandbox: RunningSandbox) -> None:
    sandbox.register_hook("gone", SECRET)
    assert sandbox.call("DELETE", "/sandbox/hooks/gone").status == 204
    assert sandbox.call("POST", "/hooks/gone", b"{}").status == 200
