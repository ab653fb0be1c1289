"""An `smtplib` session with verified TLS and login; sends one command at a time."""

import base64
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from notifier.channels.email.smtp_replies import CLOSING, Reply, session_error
from notifier.channels.http_pool import verifying_context
from notifier.domain.errors import ChannelStoppedError, TransientDeliveryError
from notifier.domain.values import Reason

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """A mail relay: TLS from the first byte (`implicit_tls`, port 465) or by STARTTLS.

    `require_tls` None: required except on loopback. TLS always verifies the server's name.
    """

    host: str
    port: int
    implicit_tls: bool = False
    require_tls: bool | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    def secrets(self) -> list[str]:
        """Values to keep out of errors: the password, plain and as AUTH PLAIN and LOGIN send it."""
        if not self.password:
            return []
        forms = (self.password, f"\0{self.username}\0{self.password}")
        return [self.password, *(base64.b64encode(form.encode()).decode("ascii") for form in forms)]


class LostError(Exception):
    """The connection is lost; `reply`: the server's 421, if any; `timed_out`: no reply in time."""

    def __init__(self, reply: Reply | None = None, *, timed_out: bool = False) -> None:
        super().__init__("connection lost")
        self.reply, self.timed_out = reply, timed_out


class SmtpSession:
    """A session for one thread at a time."""

    def __init__(self, smtp: smtplib.SMTP) -> None:
        self._smtp = smtp
        self._used = time.monotonic()
        self.eight_bit = smtp.has_extn("8bitmime")
        self.dsn = smtp.has_extn("dsn")

    @classmethod
    def open(
        cls, server: SmtpServer, *, connect_timeout: float, context: ssl.SSLContext | None = None
    ) -> "SmtpSession":
        """Connect, greet, begin TLS, log in.

        Raises:
            TransientDeliveryError: connecting or TLS failed, or the server replied 4yz.
            ChannelStoppedError: STARTTLS is missing but required, or login or session was refused.
        """
        secrets = server.secrets()
        smtp: smtplib.SMTP | None = None
        try:
            smtp = _connect(server, connect_timeout, context)
            _greet(smtp)
            if not server.implicit_tls:
                _begin_tls(smtp, server, context)
            if server.username is not None and server.password is not None:
                smtp.login(server.username, server.password)
        except smtplib.SMTPResponseException as error:
            _drop(smtp)
            raise session_error(Reply(error.smtp_code, _text(error.smtp_error)), secrets) from None
        except smtplib.SMTPNotSupportedError:
            _drop(smtp)
            raise ChannelStoppedError(Reason.AUTH, "the server offers no way to log in that we know") from None
        except UnicodeError:
            _drop(smtp)
            raise ChannelStoppedError(Reason.AUTH, "user name and password must be ASCII") from None
        except (OSError, smtplib.SMTPException, ValueError) as error:
            _drop(smtp)
            named = type(error).__name__
            reason = Reason.TIMED_OUT if waited(error) else Reason.UNREACHABLE
            raise TransientDeliveryError(reason, f"cannot open a session: {named}") from None
        except ChannelStoppedError:
            _drop(smtp)
            raise
        return cls(smtp)

    @property
    def idle_seconds(self) -> float:
        """Seconds since the server's last reply."""
        return time.monotonic() - self._used

    def command(self, line: str, *, seconds: float) -> Reply:
        """Send one command and read its reply.

        Raises:
            LostError: the connection broke, no reply came in time, or the reply was 421.
        """
        with self._patient(seconds):
            code, text = self._smtp.docmd(line)
        return self._checked(code, text)

    def write(self, mail: bytes, *, seconds: float) -> None:
        """Send the mail, dot-stuffed and terminated, after an accepted DATA.

        Raises:
            LostError: the mail was not fully sent.
        """
        with self._patient(seconds):
            self._smtp.send(mail)

    def read(self, *, seconds: float) -> Reply:
        """Read the reply to a mail.

        Raises:
            LostError: as for `command`.
        """
        with self._patient(seconds):
            code, text = self._smtp.getreply()
        return self._checked(code, text)

    @contextmanager
    def _patient(self, seconds: float) -> Iterator[None]:
        sock: socket.socket | None = self._smtp.sock
        try:
            if sock is not None:
                sock.settimeout(seconds)
            yield
        except (OSError, smtplib.SMTPException, ValueError) as error:
            self.close()
            raise LostError(timed_out=waited(error)) from None

    def _checked(self, code: int, text: bytes) -> Reply:
        self._used = time.monotonic()
        reply = Reply(code, _text(text))
        if code == CLOSING:
            self.close()
            raise LostError(reply)
        if not 200 <= code < 600:  # noqa: PLR2004 - smtplib returns -1 for an invalid reply
            self.close()
            raise LostError
        return reply

    def close(self) -> None:
        """Close at once; never raises."""
        _drop(self._smtp)

    def quit(self) -> None:
        """Send QUIT, wait briefly, and close."""
        with suppress(LostError):
            self.command("QUIT", seconds=1.0)
        self.close()


def waited(error: BaseException | None) -> bool:
    """Whether a time-out caused the error; smtplib wraps read errors in its own."""
    return isinstance(error, TimeoutError) or (error is not None and waited(error.__context__))


def _connect(server: SmtpServer, timeout: float, context: ssl.SSLContext | None) -> smtplib.SMTP:
    # Without a name, smtplib would look ours up in DNS, which may be slow; see _greet.
    options: dict[str, Any] = {"local_hostname": "localhost", "timeout": timeout}
    if server.implicit_tls:
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, context=context or verifying_context(), **options
        )
    else:
        smtp = smtplib.SMTP(server.host, server.port, **options)
    sock: socket.socket | None = smtp.sock
    if sock is not None:  # the last segment of a mail must not wait for earlier ACKs (Nagle)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return smtp


def _greet(smtp: smtplib.SMTP) -> None:
    """Send EHLO with an address literal (RFC 5321 section 4.1.3), because we have no hostname."""
    sock: socket.socket | None = smtp.sock
    if sock is not None:
        host = sock.getsockname()[0]
        smtp.local_hostname = f"[IPv6:{host}]" if ":" in host else f"[{host}]"
    smtp.ehlo_or_helo_if_needed()


def _begin_tls(smtp: smtplib.SMTP, server: SmtpServer, context: ssl.SSLContext | None) -> None:
    if smtp.has_extn("starttls"):
        smtp.starttls(context=context or verifying_context())
        smtp.ehlo_or_helo_if_needed()
    elif server.host not in _LOOPBACK if server.require_tls is None else server.require_tls:
        # A man in the middle can strip STARTTLS from the EHLO reply: never continue in plain text.
        raise ChannelStoppedError(Reason.AUTH, "the server offers no STARTTLS")


def _drop(smtp: smtplib.SMTP | None) -> None:
    if smtp is not None:
        with suppress(OSError):
            smtp.close()


def _text(raw: bytes | str) -> str:
    return raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
