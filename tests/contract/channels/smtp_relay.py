"""A sender that relays to a scripted SMTP server."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from notifier.channels.base import MailReceipt
from notifier.channels.email.smtp import SmtpSender
from notifier.channels.email.smtp_session import SmtpServer
from notifier.domain.messages.message import MailRequest
from tests.contract.channels.mails import a_recipient, now, soon
from tests.contract.channels.scripted_smtp import SmtpPeer


def relay(port: int, **more: object) -> SmtpServer:
    return SmtpServer(host="127.0.0.1", port=port, **more)  # type: ignore[arg-type]


@contextmanager
def sender_to(port: int, **more: object) -> Iterator[SmtpSender]:
    with closing(SmtpSender(relay(port, **more), clock=now, connect_timeout=2.0)) as sender:
        yield sender


def sent(peer: SmtpPeer, request: MailRequest) -> MailReceipt:
    with sender_to(peer.port) as sender:
        return sender.send(request, deadline=soon())


def ids(*numbers: int) -> list[str]:
    return [a_recipient(number).delivery_id for number in numbers]


def only(number: int, reply: str, otherwise: str = "250 ok") -> Callable[[str], str]:
    """Answer one recipient differently from all others."""
    return lambda address: reply if address.startswith(f"owner{number}@") else otherwise
