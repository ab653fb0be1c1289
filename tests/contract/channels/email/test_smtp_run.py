"""The mails of one request over one session: the commands in step, each recipient and message judged apart."""

import pytest

from notifier.channels.base import TooLargeError
from notifier.domain.errors import (
    DeliveryError,
    PermanentDeliveryError,
    TransientDeliveryError,
)
from notifier.domain.values import Reason
from tests.contract.channels.mails import a_request
from tests.contract.channels.scripted_smtp import Script, smtp_peer
from tests.contract.channels.smtp_relay import ids, only, sent


def test_no_command_is_sent_before_the_one_ahead_of_it_was_answered() -> None:
    with smtp_peer() as peer:
        assert list(sent(peer, a_request(5)).accepted_ids) == ids(0, 1, 2, 3, 4)
        assert peer.notes.early == []


@pytest.mark.parametrize(
    ("reply", "kind", "reason"),
    [
        ("550 5.1.1 no such user", PermanentDeliveryError, Reason.BAD_ADDRESS),
        ("550 no such user", PermanentDeliveryError, Reason.BAD_ADDRESS),
        ("552 5.2.2 mailbox full", PermanentDeliveryError, Reason.BAD_ADDRESS),
        ("553 5.1.3 bad mailbox name", PermanentDeliveryError, Reason.BAD_ADDRESS),
        ("550 5.7.1 blocked by policy", PermanentDeliveryError, Reason.REJECTED),
        ("450 4.2.0 greylisted", TransientDeliveryError, Reason.SERVER_ERROR),
        ("451 4.7.1 rate limit exceeded", TransientDeliveryError, Reason.RATE_LIMITED),
        ("452 4.5.3 too many recipients", TransientDeliveryError, Reason.RATE_LIMITED),
    ],
)
def test_a_refused_recipient_is_told_apart_and_the_others_go(
    reply: str, kind: type[DeliveryError], reason: Reason
) -> None:
    with smtp_peer(Script(rcpt=only(1, reply))) as peer:
        peer.script.data = only(1, "503 no valid recipients", "354 go")
        receipt = sent(peer, a_request(4))
        assert list(receipt.accepted_ids) == ids(0, 2, 3)
        assert list(receipt.failed) == ids(1)
        error = receipt.failed[ids(1)[0]]
        assert type(error) is kind
        assert error.reason is reason
        assert peer.notes.sessions == 1


def test_no_data_is_offered_for_a_refused_recipient_and_the_next_envelope_begins_anew() -> None:
    with smtp_peer(Script(rcpt=only(1, "550 5.1.1 unknown"))) as peer:
        receipt = sent(peer, a_request(3))
        assert list(receipt.accepted_ids) == ids(0, 2)
        assert receipt.refused.keys() == set(ids(1))
        verbs = [command.split()[0].upper() for command in peer.notes.commands]
        assert verbs[:10] == ["EHLO", "MAIL", "RCPT", "DATA", "MAIL", "RCPT", "RSET", "MAIL", "RCPT", "DATA"]


def test_a_server_that_answers_something_else_to_data_is_out_of_step_and_gets_no_mail() -> None:
    with smtp_peer(Script(data=lambda _: "250 ok")) as peer, pytest.raises(TransientDeliveryError) as error:
        sent(peer, a_request(2))
    assert error.value.reason is Reason.UNREACHABLE
    assert peer.notes.taken == []


@pytest.mark.parametrize(
    ("reply", "kind", "reason"),
    [
        ("554 5.7.1 content refused", PermanentDeliveryError, Reason.REJECTED),
        ("552 5.3.4 message too big", TooLargeError, Reason.TOO_LARGE),
        ("451 4.3.0 try later", TransientDeliveryError, Reason.SERVER_ERROR),
    ],
)
def test_a_refused_message_is_told_apart_and_the_others_go(
    reply: str, kind: type[DeliveryError], reason: Reason
) -> None:
    with smtp_peer(Script(done=only(2, reply))) as peer:
        receipt = sent(peer, a_request(4))
        assert list(receipt.accepted_ids) == ids(0, 1, 3)
        error = receipt.failed[ids(2)[0]]
        assert type(error) is kind
        assert error.reason is reason
