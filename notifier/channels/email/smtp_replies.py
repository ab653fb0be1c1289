"""Map SMTP replies to delivery errors.

    4yz to a recipient or a message    TransientDeliveryError   greylisting, mailbox busy, rate
    5yz to a recipient                 PermanentDeliveryError   no such mailbox, relaying refused
    5yz to a message                   PermanentDeliveryError   content refused; 552: too large
    5yz to MAIL FROM, AUTH, greeting   ChannelStoppedError      our credentials or sender: fails all
    421, connection lost               TransientDeliveryError   the session is over; unknown outcome
                                                                for a mail sent without a reply

Sources: RFC 5321 sections 4.2.1 to 4.2.3 and 4.5.3; RFC 3463 and RFC 5248 (enhanced codes);
RFC 4954 section 6 (AUTH).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from notifier.channels.base import TooLargeError
from notifier.channels.redact import redacted
from notifier.domain.errors import (
    ChannelStoppedError,
    DeliveryError,
    PermanentDeliveryError,
    TransientDeliveryError,
)
from notifier.domain.values import Reason

CLOSING = 421
START_MAIL_INPUT = 354

_AUTH_CODES = frozenset({454, 530, 534, 535, 538})
_AUTH_ENHANCED = frozenset({"5.7.8", "5.7.9", "5.7.11", "5.7.12", "5.7.13", "5.7.14", "4.7.0"})
_TOO_LARGE = frozenset({"5.2.3", "5.3.4"})
_ADDRESS_CODES = frozenset({550, 551, 553, 556})
_EXCEEDED = 552
_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")
_RATE = re.compile(r"\brate\b|too many|too fast|throttl|try again later|slow down", re.IGNORECASE)
_RELAY = re.compile(r"\brelay", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's reply to one command."""

    code: int
    text: str

    @property
    def positive(self) -> bool:
        """Whether the command succeeded or the server waits for more input (2yz, 3yz)."""
        return 200 <= self.code < 400  # noqa: PLR2004 - RFC 5321 section 4.2.1

    @property
    def transient(self) -> bool:
        """Whether a retry may succeed (4yz)."""
        return 400 <= self.code < 500  # noqa: PLR2004 - RFC 5321 section 4.2.1

    @property
    def enhanced(self) -> str:
        """The enhanced status code, such as 5.1.1; empty if there is none."""
        match = _ENHANCED.match(self.text)
        return match[1] if match else ""


def recipient_error(reply: Reply, secrets: Iterable[str]) -> DeliveryError:
    """Return the error for a refused RCPT TO: ChannelStoppedError if it is about us."""
    detail = _detail(reply, secrets)
    if reply.transient:
        return TransientDeliveryError(_transient_reason(reply), detail, status=reply.code)
    if reply.code in _AUTH_CODES or reply.enhanced in _AUTH_ENHANCED or _RELAY.search(reply.text):
        return ChannelStoppedError(Reason.AUTH, detail, status=reply.code)
    about_address = reply.enhanced.startswith(("5.1.", "5.2.")) or (
        reply.code in _ADDRESS_CODES and not reply.enhanced.startswith("5.7.")
    )
    reason = Reason.BAD_ADDRESS if about_address else Reason.REJECTED
    return PermanentDeliveryError(reason, detail, status=reply.code)


def message_error(reply: Reply, secrets: Iterable[str]) -> DeliveryError:
    """Return the error for a refused message (after DATA)."""
    detail = _detail(reply, secrets)
    if reply.transient:
        return TransientDeliveryError(_transient_reason(reply), detail, status=reply.code)
    if reply.code == _EXCEEDED or reply.enhanced in _TOO_LARGE:
        return TooLargeError(detail, status=reply.code)
    return PermanentDeliveryError(Reason.REJECTED, detail, status=reply.code)


def session_error(reply: Reply, secrets: Iterable[str]) -> DeliveryError:
    """Return the error for a refused session or sender (greeting to AUTH, MAIL FROM)."""
    detail = _detail(reply, secrets)
    if reply.transient:
        return TransientDeliveryError(_transient_reason(reply), detail, status=reply.code)
    if reply.code == _EXCEEDED or reply.enhanced in _TOO_LARGE:
        return TooLargeError(detail, status=reply.code)
    about_login = reply.code in _AUTH_CODES or reply.enhanced in _AUTH_ENHANCED
    return ChannelStoppedError(Reason.AUTH if about_login else Reason.REJECTED, detail, status=reply.code)


def _transient_reason(reply: Reply) -> Reason:
    limited = reply.enhanced.startswith("4.7.") or _RATE.search(reply.text)
    return Reason.RATE_LIMITED if limited and reply.code != CLOSING else Reason.SERVER_ERROR


def _detail(reply: Reply, secrets: Iterable[str]) -> str:
    return redacted(f"{reply.code} {reply.text}", secrets)
