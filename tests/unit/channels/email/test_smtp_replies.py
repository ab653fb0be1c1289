import pytest

from notifier.channels.base import TooLargeError
from notifier.channels.email.smtp_replies import Reply, message_error, recipient_error, session_error
from notifier.domain.errors import ChannelStoppedError, DeliveryError, PermanentDeliveryError, TransientDeliveryError
from notifier.domain.values import Reason


@pytest.mark.parametrize(
    ("code", "text", "kind", "reason"),
    [
        (535, "5.7.8 bad credentials", ChannelStoppedError, Reason.AUTH),
        (530, "authentication required", ChannelStoppedError, Reason.AUTH),
        (550, "5.1.8 sender rejected", ChannelStoppedError, Reason.REJECTED),
        (554, "no service", ChannelStoppedError, Reason.REJECTED),
        (454, "4.7.0 temporary authentication failure", TransientDeliveryError, Reason.RATE_LIMITED),
        (421, "4.7.0 too many connections", TransientDeliveryError, Reason.SERVER_ERROR),
        (451, "local error", TransientDeliveryError, Reason.SERVER_ERROR),
        (552, "message exceeds size", TooLargeError, Reason.TOO_LARGE),
    ],
)
def test_what_concerns_the_session_or_the_sender(
    code: int, text: str, kind: type[DeliveryError], reason: Reason
) -> None:
    error = session_error(Reply(code, text), [])
    assert type(error) is kind
    assert error.reason is reason
    assert error.status == code


@pytest.mark.parametrize(
    ("code", "text", "kind", "reason"),
    [
        (550, "5.1.1 unknown", PermanentDeliveryError, Reason.BAD_ADDRESS),
        (550, "unknown", PermanentDeliveryError, Reason.BAD_ADDRESS),
        (550, "5.7.1 spam", PermanentDeliveryError, Reason.REJECTED),
        (554, "5.7.1 Relay access denied", ChannelStoppedError, Reason.AUTH),
        (530, "5.7.0 authentication required", ChannelStoppedError, Reason.AUTH),
        (450, "4.2.1 greylisted", TransientDeliveryError, Reason.SERVER_ERROR),
    ],
)
def test_what_concerns_a_recipient(code: int, text: str, kind: type[DeliveryError], reason: Reason) -> None:
    error = recipient_error(Reply(code, text), [])
    assert type(error) is kind
    assert error.reason is reason


def test_a_detail_is_one_line_without_our_secrets() -> None:
    error = message_error(Reply(554, "5.6.0 you\r\nsaid hunter22"), ["hunter22"])
    assert error.detail == "554 5.6.0 you said [secret]"


@pytest.mark.parametrize(("text", "code"), [("5.1.1 x", "5.1.1"), ("x 5.1.1", ""), ("", ""), ("5.1", "")])
def test_an_enhanced_code_stands_at_the_beginning(text: str, code: str) -> None:
    assert Reply(550, text).enhanced == code
