"""Build RFC 5322 messages: the shared parts once, the personal parts per recipient.

Building each mail with the standard library's classes takes over a millisecond; this takes about
ten microseconds. Sources: RFC 5322 (format), RFC 2045 and 2046 (MIME), RFC 2047 (encoded words),
RFC 5321 section 4.5.2 (transparency).
"""

import binascii
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime

from notifier.channels.email.addresses import folded, header_value, mailbox_header, one_line
from notifier.channels.email.payload import MAX_SUBJECT, RESERVED_HEADERS
from notifier.domain.messages.message import MailRecipient, MailRequest

MAX_LINE = 998  # octets without CR LF, RFC 5322 section 2.1.1

_NEW_LINE = re.compile(r"\r\n|\r|\n")
_OURS = RESERVED_HEADERS | {"date", "message-id", "mime-version"}


def _with_crlf(text: str) -> str:
    """End every line in CR LF; a bare CR or LF enables SMTP smuggling."""
    return _NEW_LINE.sub("\r\n", text) if "\n" in text or "\r" in text else text


class _Blanks:
    """A text split at its tags, once per set of tags, so that filling it in is one join.

    As in SendGrid: longest tag first, in one pass, and values are not searched for further tags.
    """

    def __init__(self, text: str) -> None:
        self._text = _with_crlf(text)
        self._parts: dict[tuple[str, ...], list[str]] = {}

    def fill(self, values: Mapping[str, str]) -> str:
        """Return the text with every tag replaced by its value."""
        tags = tuple(values)
        parts = self._parts.get(tags)
        if parts is None:
            longest_first = sorted(filter(None, tags), key=len, reverse=True)
            pattern = "|".join(map(re.escape, longest_first))
            parts = self._parts[tags] = re.split(f"({pattern})", self._text) if pattern else [self._text]
        # re.split puts the tags at odd indices
        return "".join([_with_crlf(values[part]) if index % 2 else part for index, part in enumerate(parts)])


class MailForm:
    """The shared parts of one request's mails.

    Args:
        request: Content and identity; pass its recipients to `mail` one by one.
        date: The time of sending (aware).
        boundary: The MIME boundary; must not occur in any part.
    """

    def __init__(self, request: MailRequest, date: datetime, boundary: str) -> None:
        content = request.content
        self._content = content
        self._subject, self._text, self._html = _Blanks(content.subject), _Blanks(content.text), _Blanks(content.html)
        self._boundary = boundary.encode("ascii")
        shared = [
            folded("Date", format_datetime(date)),
            folded("From", mailbox_header(content.sender.name, content.sender.email)),
        ]
        if content.reply_to is not None:
            shared.append(folded("Reply-To", mailbox_header(content.reply_to.name, content.reply_to.email)))
        self._shared = "".join(shared)
        self._mime = folded("MIME-Version", "1.0") + folded(
            "Content-Type", f'multipart/alternative; boundary="{boundary}"'
        )

    def mail(self, recipient: MailRecipient, address: str, *, eight_bit: bool) -> bytes:
        """Return one mail with CR LF line ends, not dot-stuffed.

        Args:
            recipient: Gives the personal parts.
            address: The mailbox as sent in RCPT TO.
            eight_bit: Whether the server accepts 8-bit bodies (8BITMIME, RFC 6152).
        """
        values = recipient.substitutions
        head = self._head(recipient, address, values)
        text = _part("text/plain", self._text.fill(values), eight_bit=eight_bit)
        html = _part("text/html", self._html.fill(values), eight_bit=eight_bit)
        line = b"--" + self._boundary
        return b"".join((head.encode("ascii"), b"\r\n", line, text, line, html, line, b"--\r\n"))

    def _head(self, recipient: MailRecipient, address: str, values: Mapping[str, str]) -> str:
        own = {name.lower(): (name, value) for name, value in self._content.headers.items()}
        own |= {name.lower(): (name, value) for name, value in recipient.headers.items()}
        message_id = one_line(own.get("message-id", ("", ""))[1]) or self._message_id(recipient)
        subject = one_line(self._subject.fill(values))[:MAX_SUBJECT] or "-"
        lines = [
            self._shared,
            folded("To", mailbox_header(recipient.name, address)),
            folded("Subject", header_value(subject)),
            folded("Message-ID", message_id),
        ]
        lines += [folded(name, header_value(value)) for key, (name, value) in own.items() if key not in _OURS]
        return "".join(lines) + self._mime

    def _message_id(self, recipient: MailRecipient) -> str:
        """Return the same id on every attempt, so that mail programs show a repeat once."""
        domain = self._content.sender.email.rpartition("@")[2]
        return f"<{recipient.delivery_id}@{domain}>"


def dot_stuffed(mail: bytes) -> bytes:
    """Encode a message for DATA: leading dots doubled, terminated by a lone dot."""
    stuffed = mail.replace(b"\r\n.", b"\r\n..")
    return b"".join((b"." if stuffed.startswith(b".") else b"", stuffed, b".\r\n"))


def _part(kind: str, text: str, *, eight_bit: bool) -> bytes:
    body = text.encode("utf-8", "replace")
    if _lines_fit(body.split(b"\r\n")) and (eight_bit or body.isascii()):
        encoding = b"7bit" if body.isascii() else b"8bit"
    else:
        # b2a_qp adopts the first line ending it finds, and a long text may have none: pass LF.
        quoted = binascii.b2a_qp(body.replace(b"\r\n", b"\n"), istext=True)
        encoding, body = b"quoted-printable", quoted.replace(b"\n", b"\r\n")
    head = b"\r\nContent-Type: %b; charset=utf-8\r\nContent-Transfer-Encoding: %b\r\n\r\n"
    # The last CR LF belongs to the following boundary (RFC 2046 section 5.1.1).
    return b"".join((head % (kind.encode("ascii"), encoding), body, b"\r\n"))


def _lines_fit(lines: Sequence[bytes]) -> bool:
    return max(map(len, lines)) <= MAX_LINE
