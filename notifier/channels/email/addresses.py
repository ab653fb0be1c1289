"""Normalise and encode addresses, display names and header values for sending."""

import re
from email.header import Header
from functools import lru_cache
from typing import Final

import idna

MAX_LOCAL: Final = 64  # octets, RFC 5321 section 4.5.3.1.1
MAX_PATH: Final = 254  # octets, RFC 5321 section 4.5.3.1.3, without the angle brackets
MAX_NAME: Final = 150  # characters of a display name
LINE: Final = 78  # recommended octets of a header line, RFC 5322 section 2.1.1

_ASCII_ADDRESS = re.compile(
    rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~.-]{{1,{MAX_LOCAL}}}@(?=.{{1,253}}\Z)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{{0,61}}[A-Za-z0-9])?\.)+"
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?",
    re.ASCII,
)
# C0, DEL and C1 controls, Unicode's line breaks, and lone surrogates, which UTF-8 cannot carry.
_UNSENDABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_PLAIN_NAME = re.compile(r"\w+(?: \w+)*")
_FORBIDDEN_IN_NAME = re.compile(r"[;,\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\s]+")
_NAMED = re.compile(r"(?P<name>.*?)\s*(?P<address><[^<>]*>)", re.DOTALL)
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")  # RFC 5322 section 3.2.3, with spaces


def sendable_address(address: str) -> str | None:
    """Return the mailbox with an ASCII domain, or None if no provider would accept it.

    An internationalised domain becomes its A-label (UTS 46, RFC 5891). A non-ASCII local part would
    need SMTPUTF8 at every hop, which SendGrid does not offer.
    """
    address = address.strip()
    if not address.isascii():
        local, _, domain = address.rpartition("@")
        try:
            address = f"{local}@{idna.encode(domain, uts46=True).decode('ascii')}"
        except (idna.IDNAError, UnicodeError):
            return None
    if len(address) > MAX_PATH or _ASCII_ADDRESS.fullmatch(address) is None:
        return None
    return address


def display_name(name: str) -> str:
    """Remove `;` and `,` (SendGrid's older limits page), control characters and repeated spaces."""
    if len(name) <= MAX_NAME and _PLAIN_NAME.fullmatch(name):
        return name  # the common case
    return _FORBIDDEN_IN_NAME.sub(" ", name)[:MAX_NAME].strip()


def one_line(value: str) -> str:
    """Remove control characters from a header value, so that it cannot inject a header."""
    return _UNSENDABLE.sub(" ", value).strip()


def mailbox_header(name: str, address: str) -> str:
    """Return `name <address>` with the name quoted, or encoded (RFC 2047) if it is not ASCII."""
    phrase = display_name(name)
    if not phrase:
        return address
    if not phrase.isascii():
        return f"{_encoded(phrase)} <{address}>"
    if _ATOMS.fullmatch(phrase):
        return f"{phrase} <{address}>"
    escaped = phrase.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" <{address}>'


def header_value(value: str) -> str:
    """Encode a header value in ASCII (RFC 2047), except for text in angle brackets."""
    value = one_line(value)
    if value.isascii():
        return value
    named = _NAMED.fullmatch(value)
    if named and named["address"].isascii():
        phrase = named["name"].strip().strip('"')
        return f"{_encoded(phrase)} {named['address']}"
    return _encoded(value)


def folded(name: str, value: str) -> str:
    """Return a header line, folded at spaces beyond 78 octets (RFC 5322 section 2.2.3)."""
    line = f"{name}: {value}"
    if len(line) <= LINE:
        return line + "\r\n"
    lines, current = [], f"{name}:"
    for word in value.split(" "):
        if len(current) + 1 + len(word) > LINE and current.strip() and current != f"{name}:":
            lines.append(current)
            current = ""
        current += " " + word
    return "\r\n".join([*lines, current]) + "\r\n"


@lru_cache(maxsize=128)
def _encoded(text: str) -> str:
    """Encode by RFC 2047. Cached: all mails of a request share most values."""
    return Header(text, "utf-8", maxlinelen=75).encode(linesep="", splitchars=" ").replace("\n", "")
