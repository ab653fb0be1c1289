"""The SendGrid sender, through SendGrid's own client, against the strict sandbox over real HTTP."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from notifier.channels.base import RecipientsRefusedError, TooLargeError
from notifier.channels.email.sendgrid import SendGridSender
from notifier.domain.errors import ChannelStoppedError, OutcomeUnknownError, TransientDeliveryError
from notifier.domain.values import Reason
from notifier.sandbox.credentials import SENDGRID_API_KEY
from tests.contract.channels.mails import a_content, a_recipient, a_request, now, request_to, soon
from tests.sandbox_server import RunningSandbox, running_sandbox


@pytest.fixture(scope="module")
def server() -> Iterator[RunningSandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(server: RunningSandbox) -> Iterator[RunningSandbox]:
    yield server
    server.clear()
    server.turn("sendgrid", merge_headers=True, verified_senders=None)


@pytest.fixture
def sender(sandbox: RunningSandbox) -> Iterator[SendGridSender]:
    sender = SendGridSender(api_key=SENDGRID_API_KEY, clock=now, base_url=sandbox.sendgrid_url, timeout=5.0)
    yield sender
    sender.close()


def arrived(sandbox: RunningSandbox) -> int:
    total: int = sandbox.get("/sandbox/api/summary")["mails"]["total"]
    return total


def test_a_thousand_recipients_go_in_one_request_each_in_an_envelope_of_their_own(
    sandbox: RunningSandbox, sender: SendGridSender
) -> None:
    request = a_request(1_000)
    receipt = sender.send(request, deadline=soon())
    assert receipt.provider_message_id
    assert list(receipt.accepted_ids) == [recipient.delivery_id for recipient in request.recipients]
    assert receipt.rate is not None
    assert receipt.rate.remaining == 9_999
    mails = sandbox.get("/sandbox/api/summary")["mails"]
    assert (mails["requests"], mails["total"], mails["addresses"]) == (1, 1_000, 1_000)


def test_a_mail_arrives_filled_in_with_both_unsubscribe_headers_and_our_ids(
    sandbox: RunningSandbox, sender: SendGridSender
) -> None:
    sender.send(a_request(2), deadline=soon())
    listed = sandbox.get("/sandbox/api/mails?limit=10")["items"]
    mail = sandbox.get(f"/sandbox/api/mails/{listed[0]['id']}")
    number = mail["to"][0]["email"].partition("@")[0].removeprefix("owner")
    assert "Hallo Noor" in mail["text"]
    assert f"https://n.shop.example/u/{number}" in mail["html"]
    headers = {name.lower(): value for name, value in dict(mail["headers"]).items()}
    assert headers["list-unsubscribe"].startswith(f"<https://n.shop.example/u/{number}>, <mailto:")
    assert headers["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert mail["custom_args"]["delivery_id"] == a_recipient(int(number)).delivery_id
    assert mail["custom_args"]["notification_id"] == "ntf_01j0000000000000000000000"
    assert mail["remarks"] == []
    assert (mail["custom_args"]["batch"], mail["custom_args"]["batch_attempt"]) == ("17", "2")


def test_the_unsubscribe_headers_survive_a_provider_that_replaces_headers_instead_of_merging_them(
    sandbox: RunningSandbox, sender: SendGridSender
) -> None:
    sandbox.turn("sendgrid", merge_headers=False)
    sender.send(a_request(1), deadline=soon())
    listed = sandbox.get("/sandbox/api/mails?limit=1")["items"]
    headers = {
        name.lower() for name, _ in dict(sandbox.get(f"/sandbox/api/mails/{listed[0]['id']}")["headers"]).items()
    }
    assert {"list-unsubscribe", "list-unsubscribe-post"} <= headers


def test_an_address_the_provider_refuses_is_named_so_that_the_others_can_go(
    sandbox: RunningSandbox, sender: SendGridSender
) -> None:
    bad = a_recipient(1, address="owner1@shop1.123")  # well-formed, but no top-level domain is a number
    request = request_to(a_recipient(0), bad, a_recipient(2))
    with pytest.raises(RecipientsRefusedError) as refused:
        sender.send(request, deadline=soon())
    assert refused.value.delivery_ids == (bad.delivery_id,)
    assert refused.value.reason is Reason.BAD_ADDRESS
    assert arrived(sandbox) == 0


def test_an_address_that_cannot_be_sent_to_is_refused_before_any_request(
    sandbox: RunningSandbox, sender: SendGridSender
) -> None:
    hopeless = a_recipient(1, address="kein platz@shop.example")
    with pytest.raises(RecipientsRefusedError) as refused:
        sender.send(request_to(a_recipient(0), hopeless), deadline=soon())
    assert refused.value.delivery_ids == (hopeless.delivery_id,)
    assert sandbox.get("/sandbox/api/summary")["refused"] == {}


def test_an_address_given_twice_is_sent_to_once(sandbox: RunningSandbox, sender: SendGridSender) -> None:
    twice = a_recipient(1, address="Owner0@shop0.example")
    with pytest.raises(RecipientsRefusedError) as refused:
        sender.send(request_to(a_recipient(0), twice), deadline=soon())
    assert refused.value.delivery_ids == (twice.delivery_id,)
    assert refused.value.reason is Reason.DUPLICATE


def test_a_domain_in_another_script_is_sent_to_in_its_ascii_form(
    sandbox: RunningSandbox, sender: SendGridSender
) -> None:
    sender.send(request_to(a_recipient(0, address="kasse@händler.example")), deadline=soon())
    assert sandbox.get("/sandbox/api/mails?limit=1")["items"][0]["to"] == ["kasse@xn--hndler-bua.example"]


def test_an_unverified_sender_stops_the_channel_and_fails_no_delivery(
    sandbox: RunningSandbox, sender: SendGridSender
) -> None:
    sandbox.turn("sendgrid", verified_senders=["other.example"])
    with pytest.raises(ChannelStoppedError, match="verified Sender Identity"):
        sender.send(a_request(), deadline=soon())


def test_a_wrong_key_stops_the_channel(sandbox: RunningSandbox) -> None:
    sender = SendGridSender(api_key="SG.wrong", clock=now, base_url=sandbox.sendgrid_url)
    with closing(sender), pytest.raises(ChannelStoppedError) as stopped:
        sender.send(a_request(), deadline=soon())
    assert stopped.value.reason is Reason.AUTH
    assert stopped.value.status == 401


def test_more_than_a_thousand_recipients_are_for_the_caller_to_cut(
    sandbox: RunningSandbox, sender: SendGridSender
) -> None:
    with pytest.raises(TooLargeError) as refused:
        sender.send(a_request(1_001), deadline=soon())
    assert [len(piece) for piece in refused.value.pieces] == [1_000, 1]
    assert arrived(sandbox) == 0


def test_a_request_over_five_megabytes_says_in_which_pieces_it_fits(
    sandbox: RunningSandbox, sender: SendGridSender
) -> None:
    content = a_content(html=f"<p>-greet- -unsub-</p>{'障' * 830_000}")  # 2.5 MB of UTF-8, 4.98 MB escaped
    people = [a_recipient(number, substitutions={"-greet-": "障" * 1_100, "-unsub-": "u"}) for number in range(6)]
    request = request_to(*people, content=content)
    with pytest.raises(TooLargeError) as refused:
        sender.send(request, deadline=soon())
    assert arrived(sandbox) == 0
    assert [name for piece in refused.value.pieces for name in piece] == [one.delivery_id for one in people]
    assert len(refused.value.pieces) == 3
    for piece in refused.value.pieces:
        part = replace(request, recipients=[one for one in people if one.delivery_id in piece])
        sender.send(part, deadline=soon())
    assert arrived(sandbox) == 6


def test_content_that_fits_into_no_request_says_no_pieces(sandbox: RunningSandbox, sender: SendGridSender) -> None:
    content = a_content(html=f"<p>-greet- -unsub-</p>{'障' * 900_000}")
    with pytest.raises(TooLargeError) as refused:
        sender.send(a_request(content=content), deadline=soon())
    assert refused.value.pieces == []
    assert arrived(sandbox) == 0


def test_a_drop_after_acceptance_is_an_unknown_outcome_and_the_mail_is_there(
    sandbox: RunningSandbox, sender: SendGridSender
) -> None:
    sandbox.fault("sendgrid", "drop_after_accept", count=1)
    with pytest.raises(OutcomeUnknownError):
        sender.send(a_request(), deadline=soon())
    assert arrived(sandbox) == 2


def test_a_truncated_acceptance_is_an_unknown_outcome(sandbox: RunningSandbox, sender: SendGridSender) -> None:
    sandbox.fault("sendgrid", "truncate", count=1)
    with pytest.raises(OutcomeUnknownError):
        sender.send(a_request(), deadline=soon())


def test_a_storm_of_429_ends_with_everybody_told_once(sandbox: RunningSandbox, sender: SendGridSender) -> None:
    sandbox.fault("sendgrid", "status", status=429, count=3)
    for _ in range(3):
        with pytest.raises(TransientDeliveryError) as limited:
            sender.send(a_request(), deadline=soon())
        assert limited.value.reason is Reason.RATE_LIMITED
    sender.send(a_request(), deadline=soon())
    summary = sandbox.get("/sandbox/api/summary")
    assert (summary["mails"]["total"], summary["duplicates"]["email"]) == (2, 0)


def test_hostile_text_with_lone_surrogates_is_sent_all_the_same(
    sandbox: RunningSandbox, sender: SendGridSender
) -> None:
    content = a_content(subject="Storing \ud800 hier\r\nBcc: x@y.example", text="-greet- -unsub- \ud800")
    sender.send(a_request(1, content=content), deadline=soon())
    listed = sandbox.get("/sandbox/api/mails?limit=1")["items"]
    assert "\n" not in listed[0]["subject"]
