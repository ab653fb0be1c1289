"""Every way a call to SendGrid can end, row by row: type of error, reason, wait, number of requests."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

import pytest

from notifier.channels.base import MessageRefusedError, RecipientsRefusedError, TooLargeError
from notifier.channels.email.sendgrid import SendGridSender
from notifier.domain.errors import (
    ChannelStoppedError,
    DeliveryError,
    OutcomeUnknownError,
    PermanentDeliveryError,
    TransientDeliveryError,
)
from notifier.domain.values import Reason
from tests.contract.channels.fault_table import HTML, Row
from tests.contract.channels.mails import a_recipient, a_request, now, request_to, soon
from tests.contract.channels.scripted_server import (
    Drop,
    Half,
    Peer,
    Reply,
    Seen,
    Stall,
    Step,
    Trickle,
    closed_port,
    scripted,
)

KEY = "SG.abcdefghijklmnopqrstuv.ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefg"
ACCEPTED = Reply(202, {"X-Message-Id": "m-1"})
ADDRESS_FAULT = "The to array must at least have an email parameter with a valid email address."


def refused(*errors: dict[str, Any]) -> dict[str, Any]:
    return {"errors": list(errors)}


def fault(message: str, field: str | None = None) -> dict[str, Any]:
    return {"message": message, "field": field, "help": None}


@contextmanager
def sender_to(url: str, **options: Any) -> Iterator[SendGridSender]:
    options = {"timeout": 2.0} | options
    with closing(SendGridSender(api_key=KEY, clock=now, base_url=url, **options)) as sender:
        yield sender


def failure_of(peer_steps: tuple[Step | Callable[[Seen], Step], ...], **options: Any) -> tuple[DeliveryError, Peer]:
    with scripted(*peer_steps) as peer, sender_to(peer.url, **options) as sender:
        with pytest.raises(DeliveryError) as raised:
            sender.send(a_request(), deadline=soon())
        return raised.value, peer


ROWS = [
    Row(
        "our bug",
        Reply(400, body=refused(fault("Bad Request"))),
        PermanentDeliveryError,
        Reason.REJECTED,
        "Bad Request",
    ),
    Row(
        "header refused",
        Reply(400, body=refused(fault("Header can not be one of the reserved keys.", "headers"))),
        MessageRefusedError,
        Reason.REJECTED,
        "headers: Header can not",
    ),
    Row("bad request in HTML", Reply(400, body=HTML), PermanentDeliveryError, Reason.REJECTED, "status 400"),
    Row(
        "revoked key",
        Reply(401, body=refused(fault("The provided authorization grant is invalid, expired, or revoked", "null"))),
        ChannelStoppedError,
        Reason.AUTH,
        "revoked",
    ),
    Row(
        "no credits",
        Reply(401, body=refused(fault("Maximum credits exceeded"))),
        ChannelStoppedError,
        Reason.AUTH,
        "Maximum credits exceeded",
    ),
    Row(
        "unverified sender",
        Reply(403, body=refused(fault("The from address does not match a verified Sender Identity.", "from"))),
        ChannelStoppedError,
        Reason.AUTH,
        "from: The from address",
    ),
    Row("key without scope", Reply(403, body=refused(fault("access forbidden"))), ChannelStoppedError, Reason.AUTH),
    Row("wrong path", Reply(404, body=refused(fault("not found"))), ChannelStoppedError, Reason.REJECTED),
    Row("wrong method", Reply(405), ChannelStoppedError, Reason.REJECTED),
    Row("too large", Reply(413, body=refused(fault("content too large"))), TooLargeError, Reason.TOO_LARGE),
    Row("too large, in HTML", Reply(413, body=HTML), TooLargeError, Reason.TOO_LARGE),
    Row("wrong content type", Reply(415), ChannelStoppedError, Reason.REJECTED),
    Row("rate", Reply(429, body=refused(fault("too many requests"))), TransientDeliveryError, Reason.RATE_LIMITED),
    Row("500", Reply(500, body=refused(fault("internal server error"))), TransientDeliveryError, Reason.SERVER_ERROR),
    Row("503", Reply(503, body=HTML), TransientDeliveryError, Reason.SERVER_ERROR),
    Row("502 of an edge", Reply(502, body=HTML), OutcomeUnknownError, Reason.OUTCOME_UNKNOWN),
    Row("504 of an edge", Reply(504), OutcomeUnknownError, Reason.OUTCOME_UNKNOWN),
    Row("an edge's own number", Reply(520), OutcomeUnknownError, Reason.OUTCOME_UNKNOWN),
    Row("302", Reply(302, {"Location": "/elsewhere"}), TransientDeliveryError, Reason.REDIRECTED),
    Row("307", Reply(307, {"Location": "/elsewhere"}), TransientDeliveryError, Reason.REDIRECTED),
    Row("202 without id", Reply(202), OutcomeUnknownError, Reason.OUTCOME_UNKNOWN),
    Row("200 page of a portal", Reply(200, body=HTML), OutcomeUnknownError, Reason.OUTCOME_UNKNOWN),
    Row("half an acceptance", Half(202, {"X-Message-Id": "m"}), OutcomeUnknownError, Reason.OUTCOME_UNKNOWN),
    Row("hung up unanswered", Drop(), OutcomeUnknownError, Reason.OUTCOME_UNKNOWN),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_answer_means_what_the_table_says_after_one_request(row: Row) -> None:
    with scripted(row.step) as peer, sender_to(peer.url) as sender:
        with row.comes_of_it():
            sender.send(a_request(), deadline=soon())
        assert len(peer.requests) == 1


def test_a_silent_provider_is_given_up_when_the_time_is_over() -> None:
    error, peer = failure_of((Stall(),), timeout=0.3)
    assert isinstance(error, OutcomeUnknownError)
    assert error.reason is Reason.TIMED_OUT
    assert len(peer.requests) == 1


def test_a_provider_that_trickles_bytes_cannot_hold_a_worker() -> None:
    error, _ = failure_of((Trickle(),), timeout=0.3)
    assert isinstance(error, OutcomeUnknownError)


def test_the_callers_deadline_bounds_the_send() -> None:
    silent, unending = scripted(Stall()), 600.0
    with silent as peer, sender_to(peer.url, timeout=unending) as sender, pytest.raises(OutcomeUnknownError):
        sender.send(a_request(), deadline=soon(0.3))


def test_nothing_is_sent_after_the_deadline() -> None:
    with scripted(ACCEPTED) as peer, sender_to(peer.url) as sender:
        with pytest.raises(TransientDeliveryError) as late:
            sender.send(a_request(), deadline=soon(-1.0))
        assert late.value.reason is Reason.TIMED_OUT
        assert peer.requests == []


def test_a_refused_connection_is_no_unknown_outcome() -> None:
    with sender_to(f"http://127.0.0.1:{closed_port()}") as sender, pytest.raises(TransientDeliveryError) as error:
        sender.send(a_request(), deadline=soon())
    assert error.value.reason is Reason.UNREACHABLE


def test_a_name_that_does_not_resolve_is_no_unknown_outcome() -> None:
    with sender_to("http://nowhere.invalid") as sender, pytest.raises(TransientDeliveryError) as error:
        sender.send(a_request(), deadline=soon())
    assert error.value.reason is Reason.UNREACHABLE


def test_a_peer_that_speaks_no_tls_is_no_unknown_outcome() -> None:
    with (
        scripted(ACCEPTED) as peer,
        sender_to(peer.url.replace("http://", "https://")) as sender,
        pytest.raises(TransientDeliveryError) as error,
    ):
        sender.send(a_request(), deadline=soon())
    assert error.value.reason is Reason.UNREACHABLE


# --- rate ----------------------------------------------------------------------------------------------------------


def test_429_waits_until_the_rate_resets() -> None:
    reset = str(int(now().timestamp()) + 40)
    error, _ = failure_of((Reply(429, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}),))
    assert error.retry_after is not None
    assert timedelta(seconds=38) < error.retry_after <= timedelta(seconds=41)


def test_429_honours_a_retry_after_that_is_later() -> None:
    reset = str(int(now().timestamp()) + 5)
    error, _ = failure_of((Reply(429, {"X-RateLimit-Reset": reset, "Retry-After": "90"}),))
    assert error.retry_after == timedelta(seconds=90)


@pytest.mark.parametrize("reset", ["soon", "", "99999999999999999999", "-1", "nan"])
def test_429_with_a_junk_reset_time_is_still_a_429(reset: str) -> None:
    error, _ = failure_of((Reply(429, {"X-RateLimit-Reset": reset}),))
    assert error.reason is Reason.RATE_LIMITED
    assert error.retry_after is None or error.retry_after <= timedelta(days=1)


def test_the_receipt_tells_what_is_left_of_the_rate() -> None:
    headers = {
        "X-Message-Id": "m",
        "X-RateLimit-Limit": "500",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": "1785579000",
    }
    with scripted(Reply(202, headers)) as peer, sender_to(peer.url) as sender:
        rate = sender.send(a_request(), deadline=soon()).rate
    assert rate is not None
    assert rate.exhausted
    assert rate.limit == 500
    assert rate.resets_at is not None
    assert rate.resets_at.timestamp() == 1785579000


def test_a_server_error_waits_as_long_as_it_asks() -> None:
    error, _ = failure_of((Reply(503, {"Retry-After": "7"}),))
    assert error.retry_after == timedelta(seconds=7)


# --- one recipient among many --------------------------------------------------------------------------------------


def refusal_of(*errors: dict[str, Any]) -> DeliveryError:
    request = a_request(5)
    with scripted(Reply(400, body=refused(*errors))) as peer, sender_to(peer.url) as sender:
        with pytest.raises(PermanentDeliveryError) as raised:
            sender.send(request, deadline=soon())
        return raised.value


def test_recipients_are_named_by_their_place() -> None:
    error = refusal_of(
        fault(ADDRESS_FAULT, "personalizations.3.to.0.email"), fault(ADDRESS_FAULT, "personalizations.1.to.0.email")
    )
    assert isinstance(error, RecipientsRefusedError)
    assert set(error.delivery_ids) == {a_recipient(3).delivery_id, a_recipient(1).delivery_id}
    assert error.reason is Reason.BAD_ADDRESS


def test_a_repeated_address_is_named_by_its_text_and_the_first_one_stays() -> None:
    message = (
        "Each unique email address in the personalizations array should only be included once. "
        "You have included owner2@shop2.example more than once."
    )
    twin = a_recipient(7, address="owner2@shop2.example")
    with scripted(Reply(400, body=refused(fault(message, "personalizations")))) as peer, sender_to(peer.url) as sender:
        # The sender would not send an address twice itself; SendGrid compares in ways of its own.
        with pytest.raises(RecipientsRefusedError) as error:
            sender.send(request_to(a_recipient(1), a_recipient(2)), deadline=soon())
        assert error.value.delivery_ids == (a_recipient(2).delivery_id,)
        with pytest.raises(RecipientsRefusedError) as error:
            sender.send(request_to(a_recipient(2), twin), deadline=soon())
        assert error.value.delivery_ids == (twin.delivery_id,)


def test_a_fault_of_one_recipients_headers_is_no_bad_address() -> None:
    error = refusal_of(fault("Header values must not contain line breaks.", "personalizations.2.headers"))
    assert isinstance(error, RecipientsRefusedError)
    assert error.reason is Reason.REJECTED


@pytest.mark.parametrize(
    "field", ["personalizations", "personalizations.99.to.0.email", "personalizations.x.to", "null", ""]
)
def test_a_refusal_that_names_nobody_of_ours_refuses_the_request(field: str) -> None:
    error = refusal_of(fault("Bad Request", field))
    assert type(error) is PermanentDeliveryError


@pytest.mark.parametrize(
    "body",
    [[], {"errors": "no"}, {"errors": [1, None]}, {"errors": [{"field": 7}]}, b"", b"\xff\xfe", {"errors": None}],
)
def test_error_bodies_of_any_shape_are_survived(body: Any) -> None:
    error, _ = failure_of((Reply(400, body=body),))
    assert type(error) is PermanentDeliveryError
