"""Checks of single values, shared by the file's keys and the environment's variables.

Each returns the normalized value or raises `ValueError` with a sentence that never repeats a
secret.
"""

import base64
import binascii
import re
from urllib.parse import urlsplit

_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])")
_LOCAL_PART_MAX, _DOMAIN_MAX = 64, 253
_PLACEHOLDERS = frozenset({"changeme", "change-me", "change_me", "password", "secret", "xxx", "todo", "example"})
LEAST_SECRET = 32
_DER_SEQUENCE = 0x30


def one_line(text: str) -> str:
    """Reject a name that is blank or contains a control character: it goes into mail headers."""
    if not text.strip() or any(ord(letter) < ord(" ") or letter == "\x7f" for letter in text):
        raise ValueError("must be one line of text")
    return text.strip()


def mailbox(address: str) -> str:
    """Check an ASCII mailbox (dot-atom, RFC 5321 section 4.1.2).

    Its domain must have two labels or more.
    """
    local, _, domain = address.rpartition("@")
    fits = len(local) <= _LOCAL_PART_MAX and len(domain) <= _DOMAIN_MAX
    if not (fits and _LOCAL_PART.fullmatch(local) and _DOMAIN.fullmatch(domain)):
        raise ValueError(f"{address!r} is no e-mail address")
    return address


def http_url(text: str) -> str:
    """Check an absolute http(s) URL that serves as a base; strips a trailing slash."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
        parts = urlsplit("")
    if not usable or any(letter.isspace() for letter in text):
        raise ValueError("must be an address such as https://host or http://host:8025")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must hold no user name, password, query or fragment")
    return text.rstrip("/")


def url_of(text: str, schemes: tuple[str, ...]) -> str:
    """Check the scheme, host and port of a URL that may contain a password."""
    wanted = f"must be an address that begins with one of {', '.join(f'{scheme}://' for scheme in schemes)}"
    try:
        parts = urlsplit(text)
        readable = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError(f"{wanted} and has a port from 1 to 65535") from None
    if parts.scheme not in schemes or not readable or not (parts.netloc or parts.path):
        raise ValueError(wanted)
    return text


def secret(text: str) -> str:
    """Reject a secret that is a placeholder or cannot be sent in a header."""
    if text.lower() in _PLACEHOLDERS:
        raise ValueError("is a placeholder; set a secret of your own")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be printable ASCII without blanks")
    return text


def long_secret(text: str) -> str:
    """Reject a guessable secret: it authenticates others to us, or signs links."""
    if len(text) < LEAST_SECRET:
        raise ValueError(f"must have at least {LEAST_SECRET} characters; `openssl rand -base64 32` makes one")
    return secret(text)


def der_public_key(text: str) -> str:
    """Check a base64 DER public key, as SendGrid's settings page shows it."""
    try:
        der = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        der = b""
    if not der or der[0] != _DER_SEQUENCE:
        raise ValueError("must be a public key in base64 DER, as SendGrid shows it under Signature Verification")
    return "".join(text.split())
