"""The Event Webhook: what the recipient model makes of mails, and how the events arrive."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sendgrid.helpers.eventwebhook import EventWebhook as Verifier
from sendgrid.helpers.eventwebhook import EventWebhookHeader

from notifier.sandbox.config import EventWebhook, RecipientModel, SandboxConfig
from notifier.sandbox.sendgrid.outcomes import Fortune
from notifier.sandbox.sendgrid.signing import load_key, new_signing_key, public_key_of, sign
from tests.contract.sandbox.sendgrid_requests import AUTHORIZED, a_personalization, a_request, accepted
from tests.sandbox_server import RunningSandbox, running_sandbox, until

Event = dict[str, Any]


@pytest.fixture(scope="module")
def posting() -> Iterator[RunningSandbox]:
    """A sandbox that posts its events to one of its own receivers."""
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(posting: RunningSandbox) -> Iterator[RunningSandbox]:
    listen(posting)
    yield posting
    posting.clear()
    posting.register_hook("events")
    posting.state.mail.suppressions.lists = {name: {} for name in posting.state.mail.suppressions.lists}


def listen(sandbox: RunningSandbox, **rules: Any) -> str:
    """Send events to the receiver `events`; returns the public key."""
    body = {"url": sandbox.hook_url("events"), "interval": 0.02, "retry": 0.02} | rules
    answer = sandbox.call("PUT", "/sandbox/events", body)
    assert answer.status == 200, answer.body
    key: str = answer.json()["public_key"]
    return key


def posts(sandbox: RunningSandbox, **wanted: Any) -> list[Any]:
    rows = sandbox.get("/sandbox/api/hooks?name=events&limit=1000")["items"][::-1]
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def taken_events(sandbox: RunningSandbox) -> list[Event]:
    return [event for row in posts(sandbox, status=200) for event in json.loads(row["body"])]


def settled(sandbox: RunningSandbox, number: int) -> list[Event]:
    """The events, once this many distinct ones have been taken and nothing is under way."""

    def enough() -> list[Event] | None:
        events = taken_events(sandbox)
        distinct = {event["sg_event_id"] for event in events}
        idle = sandbox.get("/sandbox/api/events")["pending"] == 0
        return events if len(distinct) >= number and idle else None

    events: list[Event] = until(enough)
    return events


def story(events: list[Event], address: str) -> set[tuple[str, str | None]]:
    return {(event["event"], event.get("type")) for event in events if event["email"] == address}


def mail_to(sandbox: RunningSandbox, *addresses: str) -> str:
    entries = [
        a_personalization(to=[{"email": address}], custom_args={"delivery_id": f"dlv_{number}"})
        for number, address in enumerate(addresses)
    ]
    return accepted(sandbox, a_request(*entries))


def test_each_outcome_tells_its_own_story(sandbox: RunningSandbox) -> None:
    names = ("plain", "deferred", "bounce", "block", "spam", "unsubscribe", "late-bounce")
    addresses = ["plain@shop.example", *(f"sandbox-{name}@shop.example" for name in names[1:])]
    mail_to(sandbox, *addresses)
    events = settled(sandbox, 2 + 3 + 2 + 2 + 3 + 3 + 3)
    processed, delivered = ("processed", None), ("delivered", None)
    assert story(events, addresses[0]) == {processed, delivered}
    assert story(events, addresses[1]) == {processed, ("deferred", None), delivered}
    assert story(events, addresses[2]) == {processed, ("bounce", "bounce")}
    assert story(events, addresses[3]) == {processed, ("bounce", "blocked")}
    assert story(events, addresses[4]) == {processed, delivered, ("spamreport", None)}
    assert story(events, addresses[5]) == {processed, delivered, ("unsubscribe", None)}
    assert story(events, addresses[6]) == {processed, delivered, ("bounce", "bounce")}


def test_events_carry_the_fields_of_the_reference(sandbox: RunningSandbox) -> None:
    names = ("plain", "sandbox-bounce", "sandbox-late-bounce")
    message_id = mail_to(sandbox, *(f"{name}@shop.example" for name in names))
    by_kind = {(event["event"], event["email"].partition("@")[0]): event for event in settled(sandbox, 7)}
    processed = by_kind["processed", "plain"]
    assert processed["delivery_id"] == "dlv_0"
    assert processed["notification_id"] == "ntf_1"
    assert processed["category"] == ["incident", "locale-en"]
    assert processed["sg_message_id"].startswith(f"{message_id}.")
    assert processed["smtp-id"].startswith("<")
    assert isinstance(processed["timestamp"], int)
    delivered = by_kind["delivered", "plain"]
    assert (delivered["response"], delivered["tls"]) == ("250 2.0.0 OK", 1)
    bounce = by_kind["bounce", "sandbox-bounce"]
    assert (bounce["status"], bounce["bounce_classification"]) == ("5.1.1", "Invalid Address")
    assert bounce["reason"] == "550 5.1.1 unknown user"
    assert "sg_message_id" not in by_kind["bounce", "sandbox-late-bounce"]


def test_the_mails_of_one_request_are_told_apart_by_what_follows_the_message_id(sandbox: RunningSandbox) -> None:
    message_id = mail_to(sandbox, "a@shop.example", "b@shop.example")
    ids = {event["email"]: event["sg_message_id"] for event in settled(sandbox, 4)}
    assert len(set(ids.values())) == 2
    assert all(found.startswith(f"{message_id}.") for found in ids.values())


def test_reserved_names_win_over_custom_arguments(sandbox: RunningSandbox) -> None:
    entry = a_personalization(custom_args={"email": "x", "event": "y", "delivery_id": "dlv_1"})
    accepted(sandbox, a_request(entry))
    events = settled(sandbox, 2)
    assert {event["event"] for event in events} == {"processed", "delivered"}
    assert {event["email"] for event in events} == {"owner0@shop.example"}


def test_batches_are_signed_over_timestamp_and_raw_body_ending_in_crlf(sandbox: RunningSandbox) -> None:
    key = listen(sandbox)
    mail_to(sandbox, "a@shop.example")
    settled(sandbox, 2)
    verifier = Verifier(key)
    for row in posts(sandbox):
        headers = dict(row["headers"])
        signature, stamp = headers[EventWebhookHeader.SIGNATURE.lower()], headers[EventWebhookHeader.TIMESTAMP.lower()]
        assert row["body"].endswith("\r\n")
        assert verifier.verify_signature(row["body"], signature, stamp)
        assert not verifier.verify_signature(row["body"].rstrip(), signature, stamp)


def test_public_key_is_shown_as_sendgrid_shows_it(sandbox: RunningSandbox) -> None:
    path = "/sendgrid/v3/user/webhooks/event/settings/signed/main"
    shown = sandbox.call("GET", path, headers=AUTHORIZED).json()
    assert shown == {"id": "main", "public_key": listen(sandbox)}
    assert len(shown["public_key"]) == 124
    assert shown["public_key"].startswith("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE")


def test_key_of_the_operator_signs() -> None:
    key = new_signing_key()
    verifier = Verifier(public_key_of(key))
    assert verifier.verify_signature("[]\r\n", sign(load_key(key), "1785578471", b"[]\r\n"), "1785578471")
    with pytest.raises(ValueError, match=r"P-256|deserialize|decode"):
        load_key("bm9uc2Vuc2U=")


def test_refused_batch_comes_again_with_the_same_bytes_timestamp_and_signature(sandbox: RunningSandbox) -> None:
    sandbox.register_hook("events", behaviour={"kind": "fail_first", "count": 2, "status": 503})
    mail_to(sandbox, "a@shop.example")
    settled(sandbox, 2)
    rows = posts(sandbox)
    assert [row["status"] for row in rows[:2]] == [503, 503]
    attempts: dict[str, set[str]] = {}
    for row in rows:
        headers = dict(row["headers"])
        attempts.setdefault(row["body"], set()).add(headers[EventWebhookHeader.SIGNATURE.lower()])
    assert all(len(signatures) == 1 for signatures in attempts.values())


def test_redirects_are_not_followed_and_count_as_refusals(sandbox: RunningSandbox) -> None:
    sandbox.register_hook("events", behaviour={"kind": "redirect", "location": "/hooks/elsewhere"})
    mail_to(sandbox, "a@shop.example")
    until(lambda: posts(sandbox, status=307))
    sandbox.register_hook("events")
    settled(sandbox, 2)
    assert not sandbox.get("/sandbox/api/hooks?name=elsewhere")["items"]


def test_events_repeat_and_arrive_out_of_order(sandbox: RunningSandbox) -> None:
    listen(sandbox, duplicates=0.5, reordered=1.0, batch_events=10)
    mail_to(sandbox, *(f"u{number}@shop.example" for number in range(40)))
    events = settled(sandbox, 80)
    assert len(events) > len({event["sg_event_id"] for event in events}) == 80
    first_seen: dict[str, str] = {}
    for event in events:
        first_seen.setdefault(event["email"], event["event"])
    assert "delivered" in first_seen.values()
    assert max(len(json.loads(row["body"])) for row in posts(sandbox)) <= 10


def test_bounced_address_is_dropped_from_then_on(sandbox: RunningSandbox) -> None:
    reasons = {
        "sandbox-bounce@shop.example": "Bounced Address",
        "sandbox-spam@shop.example": "Spam Reporting Address",
        "sandbox-unsubscribe@shop.example": "Unsubscribed Address",
    }
    mail_to(sandbox, *reasons, "sandbox-block@shop.example")
    settled(sandbox, 2 + 3 + 3 + 2)
    sandbox.call("DELETE", "/sandbox/api/records")
    mail_to(sandbox, *(address.upper() for address in reasons), "sandbox-block@shop.example")
    events = settled(sandbox, 3 + 2)
    assert {event["email"].lower(): event["reason"] for event in events if event["event"] == "dropped"} == reasons
    assert story(events, "sandbox-block@shop.example") == {("processed", None), ("bounce", "blocked")}
    assert sandbox.get("/sandbox/api/summary")["mails"]["dropped"] == 3


def test_bypassing_list_management_reaches_a_suppressed_address(sandbox: RunningSandbox) -> None:
    sandbox.call("POST", "/sendgrid/v3/asm/suppressions/global", {"recipient_emails": ["a@shop.example"]}, AUTHORIZED)
    entry = a_personalization(to=[{"email": "a@shop.example"}])
    accepted(sandbox, a_request(entry, mail_settings={"bypass_list_management": {"enable": True}}))
    assert story(settled(sandbox, 2), "a@shop.example") == {("processed", None), ("delivered", None)}


def test_events_of_ones_own_making_are_posted_signed(sandbox: RunningSandbox) -> None:
    event = {"event": "account_status_change", "type": "compliance_suspend", "sg_event_id": "YQ", "timestamp": 1}
    assert sandbox.call("POST", "/sandbox/events/inject", [event]).status == 202
    assert settled(sandbox, 1) == [event]


def test_suppression_lists_can_be_read_and_emptied(sandbox: RunningSandbox) -> None:
    mail_to(sandbox, "sandbox-bounce@shop.example", "sandbox-block@shop.example")
    [entry] = sandbox.call("GET", "/sendgrid/v3/suppression/bounces", headers=AUTHORIZED).json()
    assert (entry["email"], entry["status"]) == ("sandbox-bounce@shop.example", "5.1.1")
    assert isinstance(entry["created"], int)
    later = f"/sendgrid/v3/suppression/bounces?start_time={entry['created'] + 1}"
    assert sandbox.call("GET", later, headers=AUTHORIZED).json() == []
    assert sandbox.call("GET", "/sendgrid/v3/suppression/blocks?offset=1", headers=AUTHORIZED).json() == []
    one = f"/sendgrid/v3/suppression/bounces/{entry['email']}"
    assert sandbox.call("GET", one, headers=AUTHORIZED).json() == [entry]
    assert sandbox.call("DELETE", one, headers=AUTHORIZED).status == 204
    assert sandbox.call("DELETE", one, headers=AUTHORIZED).status == 404
    assert sandbox.call("GET", "/sendgrid/v3/suppression/nonsense", headers=AUTHORIZED).status == 404


def test_rates_decide_by_address_alike_in_every_run() -> None:
    model = RecipientModel(seed=7, bounced=0.1, deferred=0.2)
    addresses = [f"u{number}@shop.example" for number in range(2_000)]
    first, second = ([Fortune(model).outcome(address) for address in addresses] for _ in range(2))
    assert first == second
    assert 150 < first.count("bounced") < 250
    assert 320 < first.count("deferred") < 480
    assert [Fortune(RecipientModel(seed=8, bounced=0.1, deferred=0.2)).outcome(one) for one in addresses] != first


def test_nothing_is_posted_without_a_reader() -> None:
    config = SandboxConfig(events=EventWebhook(url="http://127.0.0.1:9/", interval=0.01))
    with running_sandbox(config) as sandbox:
        assert sandbox.call("PUT", "/sandbox/events", {"url": None}).status == 200
        mail_to(sandbox, "a@shop.example")
        sandbox.call("POST", "/sandbox/events/flush")
        assert sandbox.get("/sandbox/api/events")["made"] == 0
        assert sandbox.call("POST", "/sandbox/events/inject", [{"event": "x"}]).status == 409


def test_unreachable_reader_is_tried_again() -> None:
    config = SandboxConfig(events=EventWebhook(url="http://127.0.0.1:9/", interval=0.01, retry=0.01))
    with running_sandbox(config) as sandbox:
        mail_to(sandbox, "a@shop.example")
        until(lambda: any(entry["attempt"] > 1 for entry in sandbox.get("/sandbox/api/events")["items"]))
        assert sandbox.get("/sandbox/api/events")["items"][0]["error"] == "ClientConnectorError"
