"""The SMTP sender against a real server, aiosmtpd: TLS, logins, and mails as a mail program reads them."""

import asyncio
import logging
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from notifier.channels.email.smtp import SmtpSender
from notifier.channels.email.smtp_session import SmtpServer
from notifier.domain.errors import ChannelStoppedError, TransientDeliveryError
from notifier.domain.messages.message import Mailbox
from notifier.domain.values import Reason
from tests.contract.channels.certificates import Trust, make_trust
from tests.contract.channels.mails import a_content, a_recipient, a_request, now, request_to, soon

PASSWORD = "correct horse battery"


@dataclass
class Inbox:
    """Keeps what arrives."""

    mails: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    options: list[list[str]] = field(default_factory=list)
    tls: list[bool] = field(default_factory=list)
    users: list[str] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        content = envelope.content
        assert isinstance(content, bytes)
        self.raw.append(content)
        self.mails.append(BytesParser(EmailMessage, policy=policy.default).parsebytes(content))
        self.options.append(list(envelope.mail_options))
        self.tls.append(session.ssl is not None or _is_encrypted(server))
        return "250 2.0.0 kept"

    def authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _kind: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.users.append(data.login.decode())
        return AuthResult(success=data.password.decode() == PASSWORD, handled=False)


def _is_encrypted(server: SMTP) -> bool:
    return server.transport is not None and server.transport.get_extra_info("ssl_object") is not None


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return make_trust(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(autouse=True)
def quiet_server() -> Iterator[None]:
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    yield
    logging.getLogger("mail.log").setLevel(logging.NOTSET)


@contextmanager
def server(inbox: Inbox, ssl_context: ssl.SSLContext | None = None, **options: Any) -> Iterator[int]:
    """Serve on a free port of 127.0.0.1; aiosmtpd's own controller must know the port beforehand."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    opening = loop.create_server(lambda: SMTP(inbox, loop=loop, **options), "127.0.0.1", 0, ssl=ssl_context)
    listening = asyncio.run_coroutine_threadsafe(opening, loop).result(5)
    try:
        yield int(listening.sockets[0].getsockname()[1])
    finally:
        asyncio.run_coroutine_threadsafe(_close(listening), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


async def _close(listening: asyncio.Server) -> None:
    listening.close()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


@contextmanager
def sender_to(port: int, context: ssl.SSLContext | None = None, **more: Any) -> Iterator[SmtpSender]:
    relay = SmtpServer(host=more.pop("host", "127.0.0.1"), port=port, **more)
    with closing(SmtpSender(relay, clock=now, tls_context=context, connect_timeout=3.0)) as sender:
        yield sender


def test_mails_arrive_whole_and_readable() -> None:
    inbox = Inbox()
    with server(inbox) as port, sender_to(port) as sender:
        receipt = sender.send(a_request(20), deadline=soon())
    assert len(receipt.accepted_ids) == len(inbox.mails) == 20
    mail = inbox.mails[7]
    assert mail["From"].addresses[0].display_name == "Händler Status"
    assert mail["To"].addresses[0].addr_spec == "owner7@shop7.example"
    assert mail["Subject"] == "[Kasse] Störung behoben"
    assert mail["List-Unsubscribe"].startswith("<https://n.shop.example/u/7>, <mailto:")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Id"] == "Störungen <incidents.status.shop.example>"
    assert mail["Message-ID"] == "<inc-1.u1.7@mail.shop.example>"
    assert mail["References"] == "<inc-1@mail.shop.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    text, html = (part.get_content() for part in mail.iter_parts())
    assert "Hallo Noor,\n\nalles läuft wieder." in text.replace("\r\n", "\n")
    assert "https://n.shop.example/u/7" in html


def test_every_header_of_which_there_may_be_one_is_there_once() -> None:
    inbox = Inbox()
    content = a_content(headers={"Subject": "another", "From": "x@y.example", "date": "now", "X-Ours": "yes"})
    with server(inbox) as port, sender_to(port) as sender:
        sender.send(a_request(1, content=content), deadline=soon())
    for name in ("From", "To", "Date", "Message-ID", "Subject", "MIME-Version", "Content-Type"):
        assert len(inbox.mails[0].get_all(name, [])) == 1, name
    assert inbox.mails[0]["X-Ours"] == "yes"


def test_no_data_begins_a_header_of_its_own_or_ends_the_message() -> None:
    inbox = Inbox()
    content = a_content(
        subject="Storing\r\nBcc: victim@elsewhere.example",
        text="one\n.\nMAIL FROM:<x>\r.\r\ntwo\n..three\n",
        sender=Mailbox(email="status@mail.shop.example", name='x"\r\nX-Injected: 1'),
    )
    recipient = a_recipient(0, name="A\r\nX-Injected: 2", headers={"X-Own": "a\r\nX-Injected: 3"}, substitutions={})
    with server(inbox) as port, sender_to(port) as sender:
        sender.send(request_to(recipient, content=content), deadline=soon())
    mail = inbox.mails[0]
    assert len(inbox.mails) == 1
    assert mail["X-Injected"] is None
    assert mail["Bcc"] is None
    text = next(mail.iter_parts()).get_content().replace("\r\n", "\n")
    assert text == "one\n.\nMAIL FROM:<x>\n.\ntwo\n..three\n"


def test_lines_keep_within_998_octets_and_only_crlf_ends_one() -> None:
    inbox = Inbox()
    html = "<p>" + "ü" * 3_000 + "</p>-greet- -unsub-"
    content = a_content(html=html, headers={"References": " ".join(f"<{n:060d}@x.example>" for n in range(40))})
    with server(inbox) as port, sender_to(port) as sender:
        sender.send(a_request(1, content=content), deadline=soon())
    raw = inbox.raw[0]
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw)
    assert "ü" * 3_000 in list(inbox.mails[0].iter_parts())[1].get_content()


def test_eight_bit_bodies_go_as_they_are_where_the_server_takes_them() -> None:
    inbox = Inbox()
    with server(inbox) as port, sender_to(port) as sender:
        sender.send(a_request(1), deadline=soon())
    assert "BODY=8BITMIME" in inbox.options[0]
    assert [part["Content-Transfer-Encoding"] for part in inbox.mails[0].iter_parts()] == ["8bit", "7bit"]


# --- TLS and logins ---------------------------------------------------------------------------------------------------


def test_starttls_is_used_wherever_it_is_offered(trust: Trust) -> None:
    inbox = Inbox()
    with server(inbox, tls_context=trust.server) as port, sender_to(port, trust.client) as sender:
        sender.send(a_request(2), deadline=soon())
    assert inbox.tls == [True, True]


def test_tls_from_the_first_byte_works_as_well(trust: Trust) -> None:
    inbox = Inbox()
    with (
        server(inbox, ssl_context=trust.server) as port,
        sender_to(port, trust.client, implicit_tls=True) as sender,
    ):
        sender.send(a_request(1), deadline=soon())
    assert inbox.tls == [True]


@pytest.mark.parametrize("implicit_tls", [False, True])
def test_a_certificate_nobody_vouches_for_is_not_accepted(trust: Trust, *, implicit_tls: bool) -> None:
    inbox = Inbox()
    options = {"ssl_context" if implicit_tls else "tls_context": trust.server}
    with (
        server(inbox, **options) as port,
        sender_to(port, implicit_tls=implicit_tls) as sender,
        pytest.raises(TransientDeliveryError) as error,
    ):
        sender.send(a_request(1), deadline=soon())
    assert error.value.reason is Reason.UNREACHABLE
    assert inbox.mails == []


def test_a_login_is_made_over_tls(trust: Trust) -> None:
    inbox = Inbox()
    options: dict[str, Any] = {"tls_context": trust.server, "authenticator": inbox.authenticate, "auth_required": True}
    with (
        server(inbox, **options) as port,
        sender_to(port, trust.client, username="shop", password=PASSWORD) as sender,
    ):
        sender.send(a_request(1), deadline=soon())
    assert inbox.users == ["shop"]
    assert len(inbox.mails) == 1


def test_a_refused_login_stops_the_channel_and_repeats_no_password(trust: Trust) -> None:
    inbox = Inbox()
    options: dict[str, Any] = {"tls_context": trust.server, "authenticator": inbox.authenticate, "auth_required": True}
    with (
        server(inbox, **options) as port,
        sender_to(port, trust.client, username="shop", password="a wrong password") as sender,
        pytest.raises(ChannelStoppedError) as error,
    ):
        sender.send(a_request(1), deadline=soon())
    assert error.value.reason is Reason.AUTH
    assert "a wrong password" not in str(error.value)


def test_a_server_that_demands_a_login_stops_the_channel(trust: Trust) -> None:
    inbox = Inbox()
    options: dict[str, Any] = {"tls_context": trust.server, "authenticator": inbox.authenticate, "auth_required": True}
    with (
        server(inbox, **options) as port,
        sender_to(port, trust.client) as sender,
        pytest.raises(ChannelStoppedError) as error,
    ):
        sender.send(a_request(1), deadline=soon())
    assert error.value.reason is Reason.AUTH
