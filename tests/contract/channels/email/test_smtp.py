"""Every way a mail by SMTP can end: whom it concerns, what it means, and how the session goes on."""

from contextlib import closing

import pytest

from notifier.channels.base import RecipientsRefusedError, TooLargeError
from notifier.channels.email.smtp import SmtpSender
from notifier.domain.errors import (
    ChannelStoppedError,
    DeliveryError,
    TransientDeliveryError,
)
from notifier.domain.values import Reason
from tests.contract.channels.mails import SENDER, a_recipient, a_request, now, request_to, soon
from tests.contract.channels.scripted_server import closed_port
from tests.contract.channels.scripted_smtp import DROP, Script, smtp_peer
from tests.contract.channels.smtp_relay import ids, only, relay, sender_to, sent


def test_everybody_is_sent_a_mail_of_their_own() -> None:
    with smtp_peer() as peer:
        receipt = sent(peer, a_request(5))
        assert list(receipt.accepted_ids) == ids(0, 1, 2, 3, 4)
        assert [mail.address for mail in peer.notes.taken] == [f"owner{n}@shop{n}.example" for n in range(5)]
        assert {mail.sender for mail in peer.notes.taken} == {SENDER}
        assert peer.notes.sessions == 1
        for mail in peer.notes.taken:
            assert sum(f"owner{n}@".encode() in mail.raw for n in range(5)) == 1


def test_a_refused_sender_stops_the_channel_at_the_first_mail() -> None:
    with smtp_peer(Script(mail=lambda _: "550 5.1.8 sender unknown")) as peer:
        peer.script.rcpt = peer.script.data = lambda _: "503 need MAIL first"
        with pytest.raises(ChannelStoppedError, match="sender unknown"):
            sent(peer, a_request(50))
        assert sum(command.startswith("MAIL") for command in peer.notes.commands) == 1


def test_relaying_denied_stops_the_channel_instead_of_failing_everybody() -> None:
    with smtp_peer(Script(rcpt=lambda _: "554 5.7.1 Relay access denied")) as peer, pytest.raises(ChannelStoppedError):
        sent(peer, a_request(3))


def test_a_rate_limit_in_the_middle_leaves_the_rest_to_be_tried_again() -> None:
    answers = iter(["250 ok", "250 ok"])
    with smtp_peer(Script(mail=lambda _: next(answers, "451 4.7.0 too many messages"))) as peer:
        peer.script.rcpt = lambda _: "250 ok"
        receipt = sent(peer, a_request(5))
    assert list(receipt.accepted_ids) == ids(0, 1)
    assert list(receipt.unsent) == ids(2, 3, 4)
    assert {error.reason for error in receipt.unsent.values()} == {Reason.RATE_LIMITED}


def test_only_the_mail_on_the_wire_is_in_doubt_when_the_connection_dies() -> None:
    once = iter([DROP])
    with smtp_peer() as peer:
        peer.script.done = lambda address: next(once, "250 ok") if address.startswith("owner2@") else "250 ok"
        receipt = sent(peer, a_request(5))
        assert list(receipt.unknown) == ids(2)
        assert list(receipt.accepted_ids) == ids(0, 1, 3, 4)
        assert peer.notes.sessions == 2
        assert [mail.address[:6] for mail in peer.notes.taken] == ["owner0", "owner1", "owner3", "owner4"]


def test_421_instead_of_an_acceptance_is_no_doubt() -> None:
    with smtp_peer(Script(done=only(1, "421 4.3.2 shutting down"))) as peer:
        receipt = sent(peer, a_request(3))
    assert list(receipt.unsent) == ids(1)
    assert list(receipt.accepted_ids) == ids(0, 2)


def test_a_server_that_takes_two_mails_a_session_gets_a_session_for_every_two() -> None:
    with smtp_peer() as peer:
        peer.script.mail = lambda _: "421 enough" if len(peer.notes.taken) == 2 * peer.notes.sessions else "250 ok"
        receipt = sent(peer, a_request(6))
        assert list(receipt.accepted_ids) == ids(0, 1, 2, 3, 4, 5)
        assert peer.notes.sessions == 3


def test_a_server_that_hangs_up_on_every_first_command_is_given_up_after_one_session() -> None:
    with smtp_peer(Script(mail=lambda _: DROP)) as peer:
        with pytest.raises(TransientDeliveryError) as error:
            sent(peer, a_request(3))
        assert error.value.reason is Reason.UNREACHABLE
        assert peer.notes.sessions == 1


def test_an_answer_that_is_no_smtp_ends_the_session() -> None:
    with smtp_peer(Script(mail=lambda _: "HTTP/1.1 400 Bad Request")) as peer, pytest.raises(TransientDeliveryError):
        sent(peer, a_request(1))


@pytest.mark.parametrize(
    ("greeting", "kind"),
    [("554 no service for you", ChannelStoppedError), ("421 too busy", TransientDeliveryError)],
)
def test_a_refusing_greeting_is_understood(greeting: str, kind: type[DeliveryError]) -> None:
    with smtp_peer(Script(greeting=greeting)) as peer, pytest.raises(kind):
        sent(peer, a_request(2))


def test_a_refused_connection_leaves_everybody_untold() -> None:
    with sender_to(closed_port()) as sender, pytest.raises(TransientDeliveryError) as error:
        sender.send(a_request(), deadline=soon())
    assert error.value.reason is Reason.UNREACHABLE


def test_after_the_deadline_the_rest_is_left_for_later() -> None:
    with smtp_peer() as peer, sender_to(peer.port) as sender:
        with pytest.raises(TransientDeliveryError) as error:
            sender.send(a_request(), deadline=soon(-1))
        assert error.value.reason is Reason.TIMED_OUT
        assert peer.notes.sessions == 0


def test_a_session_is_kept_for_the_next_request() -> None:
    with smtp_peer() as peer, sender_to(peer.port) as sender:
        for _ in range(3):
            sender.send(a_request(2), deadline=soon())
        assert peer.notes.sessions == 1
        assert len(peer.notes.taken) == 6


def test_a_session_that_was_idle_for_too_long_is_replaced() -> None:
    with smtp_peer() as peer, closing(SmtpSender(relay(peer.port), clock=now, max_idle=0.0)) as sender:
        for _ in range(2):
            sender.send(a_request(2), deadline=soon())
        assert peer.notes.sessions == 2
        assert len(peer.notes.taken) == 4


def test_a_kept_session_that_died_meanwhile_costs_nobody_a_mail() -> None:
    ends = iter(["421 idle for too long"])
    with smtp_peer() as peer, sender_to(peer.port) as sender:
        sender.send(a_request(1), deadline=soon())
        peer.script.mail = lambda _: next(ends, "250 ok")
        receipt = sender.send(a_request(2), deadline=soon())
        assert list(receipt.accepted_ids) == ids(0, 1)
        assert peer.notes.sessions == 2


def test_an_address_that_cannot_be_sent_to_never_reaches_the_server() -> None:
    bad = a_recipient(1, address="x>\r\nRCPT TO:<victim@elsewhere.example")
    with smtp_peer() as peer:
        receipt = sent(peer, request_to(a_recipient(0), bad))
        assert list(receipt.refused) == [bad.delivery_id]
        assert not any("victim" in command for command in peer.notes.commands)


def test_a_request_of_which_everybody_is_refused_names_everybody() -> None:
    with smtp_peer(Script(rcpt=lambda address: f"550 5.1.1 {address} unknown")) as peer:
        with pytest.raises(RecipientsRefusedError) as error:
            sent(peer, a_request(2))
        assert list(error.value.delivery_ids) == ids(0, 1)


def test_a_bounce_will_name_the_delivery_where_the_server_offers_it() -> None:
    with smtp_peer(Script(features=("8BITMIME", "DSN"))) as peer:
        sent(peer, a_request(1))
        mail, rcpt = (next(one for one in peer.notes.commands if one.startswith(verb)) for verb in ("MAIL", "RCPT"))
        assert mail == f"MAIL FROM:<{SENDER}> BODY=8BITMIME RET=HDRS ENVID={ids(0)[0]}"
        assert rcpt == "RCPT TO:<owner0@shop0.example> NOTIFY=FAILURE"


def test_more_than_a_request_may_have_is_for_the_caller_to_halve() -> None:
    with sender_to(closed_port()) as sender, pytest.raises(TooLargeError):
        sender.send(a_request(1_001), deadline=soon())


def test_a_relay_beyond_this_machine_must_offer_tls() -> None:
    with (
        smtp_peer() as peer,
        sender_to(peer.port, require_tls=True) as sender,
        pytest.raises(ChannelStoppedError, match="STARTTLS"),
    ):
        sender.send(a_request(), deadline=soon())


def test_credentials_a_server_has_no_use_for_stop_the_channel() -> None:
    with (
        smtp_peer() as peer,
        sender_to(peer.port, username="u", password="a-long-password") as sender,
        pytest.raises(ChannelStoppedError) as error,
    ):
        sender.send(a_request(), deadline=soon())
    assert error.value.reason is Reason.AUTH


def test_what_a_server_says_of_a_recipient_does_not_hold_their_address() -> None:
    saying = Script(rcpt=only(1, "451 4.3.0 <owner1@shop1.example> busy: owner1"))
    with smtp_peer(saying) as peer:
        (error,) = sent(peer, a_request(3)).failed.values()
    assert (error.detail, str(error)) == ("451 4.3.0 <[address]> busy: [address]", f"{error.reason}: {error.detail}")


def test_what_a_server_says_of_everybody_holds_no_address() -> None:
    blocking = Script(rcpt=lambda address: f"550 5.7.1 {address.partition('@')[0]} blocked")
    with smtp_peer(blocking) as peer, pytest.raises(DeliveryError) as refused:
        sent(peer, a_request(1))
    assert "owner0" not in f"{refused.value} {refused.value.detail}"
