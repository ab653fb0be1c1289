"""Every row of SendGrid's table of answers, asked for over HTTP."""

import time
from typing import Any

import pytest

from notifier.sandbox.config import SandboxConfig, SendGridRules
from notifier.sandbox.credentials import SENDGRID_API_KEY
from tests.contract.sandbox.sendgrid_requests import (
    AUTHORIZED,
    MAIL_SEND,
    a_personalization,
    a_request,
    accepted,
    refused,
    send,
)
from tests.sandbox_server import RunningSandbox, running_sandbox

RESERVED = ["Content-Type", "content-TRANSFER-encoding", "To", "FROM", "subject", "Reply-To", "cc", "BCC"]
RESERVED += ["x-sg-id", "X-SG-EID", "Received", "DKIM-Signature"]


def test_accepted_request_is_answered_202_with_an_empty_body_and_one_message_id(sandbox: RunningSandbox) -> None:
    answer = send(sandbox, a_request(a_personalization(1), a_personalization(2)))
    assert (answer.status, answer.body) == (202, b"")
    assert len(answer.headers["x-message-id"]) == 22


def test_every_answer_carries_the_three_rate_headers(sandbox: RunningSandbox) -> None:
    for answer in (send(sandbox, a_request()), send(sandbox, {}), sandbox.call("POST", MAIL_SEND, {})):
        assert answer.headers["x-ratelimit-limit"] == "10000"
        assert int(answer.headers["x-ratelimit-remaining"]) < 10_000
        assert abs(int(answer.headers["x-ratelimit-reset"]) - time.time()) < 3


def test_the_root_answers_like_the_prefix(sandbox: RunningSandbox) -> None:
    assert sandbox.call("POST", "/v3/mail/send", a_request(), AUTHORIZED).status == 202


def test_more_than_a_thousand_objects_are_refused(sandbox: RunningSandbox) -> None:
    request = a_request(*(a_personalization(number) for number in range(1001)))
    message = (
        "The personalization block is limited to 1000 personalizations per API request. You have provided 1001 "
        "personalizations. Please consider splitting this into multiple requests and resending your request."
    )
    assert refused(sandbox, request) == [(message, "personalizations")]


def test_more_than_a_thousand_addressees_are_refused(sandbox: RunningSandbox) -> None:
    sandbox.turn("sendgrid", strict=False)
    objects = [
        a_personalization(
            number, cc=[{"email": f"cc{number}@shop.example"}], bcc=[{"email": f"bcc{number}@shop.example"}]
        )
        for number in range(334)
    ]
    message = "There is a limit of 1000 total recipients (to + cc + bcc) per request."
    assert refused(sandbox, a_request(*objects)) == [(message, "personalizations")]
    accepted(sandbox, a_request(*objects[:333]))


@pytest.mark.parametrize("to", [None, [], "owner@shop.example", {}])
def test_object_without_to_is_refused(sandbox: RunningSandbox, to: Any) -> None:
    entry = {"custom_args": {"delivery_id": "dlv_1"}} | ({} if to is None else {"to": to})
    message = "The to parameter is required for all personalization objects."
    assert refused(sandbox, a_request(a_personalization(), entry)) == [(message, "personalizations.1.to")]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "owner",
        "owner@",
        "@shop.example",
        "owner@shop",
        "owner@@shop.example",
        "own er@shop.example",
        ".owner@shop.example",
        "ow..ner@shop.example",
        "owner@-shop.example",
        "owner@shop..example",
        "öwner@shop.example",
        f"{'a' * 65}@shop.example",
        f"a@{'b' * 63}.{'c' * 63}.{'d' * 63}.{'e' * 63}.example",
        "owner@shop.example\r\nBcc: x@y.example",
        12,
        None,
    ],
)
def test_one_malformed_address_fails_the_request_and_is_named(sandbox: RunningSandbox, address: Any) -> None:
    errors = refused(sandbox, a_request(a_personalization(0), {"to": [{"email": address}]}, a_personalization(2)))
    assert [field for _, field in errors] == ["personalizations.1.to.0.email"]
    assert "The to array must at least have an email parameter with a valid email address" in errors[0][0]
    assert sandbox.get("/sandbox/api/summary")["mails"]["total"] == 0


def test_several_malformed_addresses_are_all_named(sandbox: RunningSandbox) -> None:
    bad: list[dict[str, Any]] = [{"to": [{"email": "nobody"}]} for _ in range(3)]
    fields = [field for _, field in refused(sandbox, a_request(bad[0], a_personalization(1), bad[1], bad[2]))]
    assert fields == [f"personalizations.{index}.to.0.email" for index in (0, 2, 3)]


def test_address_twice_in_one_object_is_refused_whatever_its_case(sandbox: RunningSandbox) -> None:
    sandbox.turn("sendgrid", strict=False)
    entry = {"to": [{"email": "owner@shop.example"}], "cc": [{"email": "Owner@Shop.example"}]}
    message = (
        "Each unique email address in the personalizations array should only be included once. "
        "You have included Owner@Shop.example more than once."
    )
    assert refused(sandbox, a_request(entry)) == [(message, "personalizations.0.cc.0.email")]


def test_address_in_two_objects_is_refused_in_strict_mode_alone(sandbox: RunningSandbox) -> None:
    request = a_request(a_personalization(1), a_personalization(2), a_personalization(1))
    assert [field for _, field in refused(sandbox, request)] == ["personalizations.2.to.0.email"]
    sandbox.turn("sendgrid", strict=False)
    accepted(sandbox, request)


def test_two_addressees_in_one_object_are_refused_in_strict_mode_alone(sandbox: RunningSandbox) -> None:
    entry = {"to": [{"email": "a@shop.example"}, {"email": "b@shop.example"}]}
    [(message, field)] = refused(sandbox, a_request(entry))
    assert "would see each other" in message
    assert field == "personalizations.0"
    sandbox.turn("sendgrid", strict=False)
    accepted(sandbox, a_request(entry))


@pytest.mark.parametrize("name", RESERVED)
def test_reserved_header_is_refused_on_both_levels(sandbox: RunningSandbox, name: str) -> None:
    message = "Header can not be one of the reserved keys."
    assert refused(sandbox, a_request(headers={name: "x"})) == [(message, "headers")]
    request = a_request(a_personalization(0), a_personalization(1, headers={"X-Fine": "1", name: "x"}))
    assert refused(sandbox, request) == [(message, "personalizations.1.headers")]


def test_send_at_more_than_72_hours_ahead_is_refused_on_both_levels(sandbox: RunningSandbox) -> None:
    late = int(time.time()) + 72 * 3600 + 60
    message = "Scheduling more than 72 hours in advance is forbidden."
    assert refused(sandbox, a_request(send_at=late)) == [(message, "send_at")]
    assert refused(sandbox, a_request(a_personalization(send_at=late))) == [(message, "personalizations.0.send_at")]
    accepted(sandbox, a_request(send_at=late - 120))


@pytest.mark.parametrize(
    "types", [("text/html", "text/plain"), ("text/calendar", "text/html"), ("text/html", "text/x", "text/plain")]
)
def test_content_out_of_order_is_refused(sandbox: RunningSandbox, types: tuple[str, ...]) -> None:
    [(message, field)] = refused(sandbox, a_request(content=[{"type": kind, "value": "x"} for kind in types]))
    assert message.startswith("Following RFC 1341, section 7.2")
    assert field == "content"


@pytest.mark.parametrize("value", ["", None, 5])
def test_empty_content_is_refused(sandbox: RunningSandbox, value: Any) -> None:
    message = "The content value must be a string at least one character in length."
    assert refused(sandbox, a_request(content=[{"type": "text/plain", "value": value}])) == [
        (message, "content.0.value")
    ]


def test_missing_subject_is_refused_unless_every_object_brings_one(sandbox: RunningSandbox) -> None:
    own = a_personalization(1, subject="Own")
    [(message, field)] = refused(sandbox, a_request(own, a_personalization(2), subject=None))
    assert message.startswith("The subject is required.")
    assert field == "subject"
    accepted(sandbox, a_request(own, subject=None))
    accepted(sandbox, a_request(subject=None, content=None, template_id="d-123"))


@pytest.mark.parametrize("field", ["substitutions", "headers", "custom_args"])
@pytest.mark.parametrize("value", [1, True, None, ["x"], {"a": "b"}])
def test_value_that_is_no_string_yields_the_bare_bad_request(sandbox: RunningSandbox, field: str, value: Any) -> None:
    assert refused(sandbox, a_request(a_personalization(0, **{field: {"-a-": value}}))) == [("Bad Request", None)]


def test_invalid_utf8_and_malformed_json_are_told_apart(sandbox: RunningSandbox) -> None:
    assert refused(sandbox, b'{"subject": "\xff"}') == [("Invalid UTF8 in request.", None)]
    assert refused(sandbox, b'{"subject": ') == [("Bad Request", None)]
    assert refused(sandbox, b"[]") == [("Bad Request", None)]


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer SG.wrong.key"}, {"Authorization": SENDGRID_API_KEY}])
def test_wrong_or_missing_key_is_401(sandbox: RunningSandbox, header: dict[str, str]) -> None:
    answer = sandbox.call("POST", MAIL_SEND, a_request(), header)
    assert answer.status == 401
    assert answer.json()["errors"] == [
        {"message": "The provided authorization grant is invalid, expired, or revoked", "field": None, "help": None}
    ]


def test_used_up_credits_are_401_with_their_own_message(sandbox: RunningSandbox) -> None:
    accepted(sandbox, a_request())
    sandbox.turn("sendgrid", credits_left=2)
    assert refused(sandbox, a_request(a_personalization(1), a_personalization(2)), 401) == [
        ("Maximum credits exceeded", None)
    ]


def test_unverified_sender_is_403(sandbox: RunningSandbox) -> None:
    sandbox.turn("sendgrid", verified_senders=["myonlinestore.example"])
    accepted(sandbox, a_request())
    [(message, field)] = refused(sandbox, a_request(**{"from": {"email": "a@elsewhere.example"}}), 403)
    assert message.startswith("The from address does not match a verified Sender Identity. Mail cannot be sent until")
    assert field == "from"
    own = a_personalization(0, **{"from": {"email": "a@elsewhere.example"}})
    assert refused(sandbox, a_request(own), 403)[0][1] == "from"


def test_key_without_the_scope_is_403(sandbox: RunningSandbox) -> None:
    sandbox.turn("sendgrid", keys_without_scope=[SENDGRID_API_KEY])
    assert refused(sandbox, a_request(), 403) == [("access forbidden", None)]


def test_wrong_path_is_404_and_wrong_method_405_in_sendgrids_words(sandbox: RunningSandbox) -> None:
    unknown = sandbox.call("POST", "/sendgrid/v3/mail/sent", {}, AUTHORIZED)
    assert (unknown.status, unknown.json()["errors"][0]["message"]) == (404, "not found")
    method = sandbox.call("GET", MAIL_SEND, headers=AUTHORIZED)
    assert (method.status, method.json()["errors"][0]["message"]) == (405, "method not allowed")


def test_body_over_the_limit_is_413() -> None:
    with running_sandbox(SandboxConfig(sendgrid=SendGridRules(max_body=2_000))) as sandbox:
        accepted(sandbox, a_request())
        long = a_request(content=[{"type": "text/plain", "value": "x" * 2_000}])
        assert refused(sandbox, long, 413) == [("content too large", None)]


def test_other_content_type_is_415(sandbox: RunningSandbox) -> None:
    answer = send(sandbox, a_request(), {"Content-Type": "text/plain"})
    assert (answer.status, answer.json()["errors"][0]["message"]) == (415, "unsupported media type")
    assert send(sandbox, a_request(), {"Content-Type": "application/json; charset=utf-8"}).status == 202


def test_rate_is_refused_with_429_and_opens_again_after_the_reset() -> None:
    now = [1_000.0]
    config = SandboxConfig(sendgrid=SendGridRules(requests_per_second=2), clock=lambda: now[0])
    with running_sandbox(config) as sandbox:
        assert [send(sandbox, a_request()).status for _ in range(3)] == [202, 202, 429]
        answer = send(sandbox, a_request())
        assert answer.json()["errors"] == [{"message": "too many requests", "field": None, "help": None}]
        assert answer.headers["x-ratelimit-remaining"] == "0"
        now[0] = float(answer.headers["x-ratelimit-reset"])
        assert send(sandbox, a_request()).status == 202
