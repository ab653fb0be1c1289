"""Parse the host of a URL so strictly that no other parser can read a different host.

Sources: RFC 3986 section 3.2.2, WHATWG URL section 3.5 ("ends in a number"), IDNA 2008 (RFC 5891).
"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

import idna

MAX_NAME = 253  # RFC 1035 section 2.3.4, as text without the final dot
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_FOREIGN_DOTS = re.compile("[\u3002\uff0e\uff61]")  # idna treats them as dots, other parsers do not


class HostError(ValueError):
    """The host is not allowed; the message tells the partner why."""


def read_host(text: str) -> str | IPv4Address | IPv6Address:
    """Return an address, or a name in lower-case ASCII without its final dot.

    Raises:
        HostError: anything that another parser may read as a different host: unusual IPv4 notations
            (`0x7f.1`, `2130706433`), zone ids, percent signs, look-alikes such as full-width
            letters, invalid names.
    """
    if text.startswith("["):
        return _read_ipv6(text)
    if not text:
        raise HostError("the host is missing")
    if "%" in text or ":" in text:
        raise HostError("the host holds a character that does not belong there")
    name = _to_ascii(text.lower()).removesuffix(".")
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _read_ipv4(name)
    if len(name) > MAX_NAME or not all(_LABEL.fullmatch(label) for label in labels):
        raise HostError("the host is not a name that DNS can hold")
    return name


def _read_ipv4(text: str) -> IPv4Address:
    try:
        return IPv4Address(text)  # rejects leading zeros, fewer than four parts, hexadecimal, octal
    except AddressValueError:
        raise HostError("an IPv4 address is written as four decimal numbers") from None


def _read_ipv6(text: str) -> IPv6Address:
    inner = text[1:-1] if text.endswith("]") else ""
    if "%" in inner:
        raise HostError("an address with a zone id belongs to one machine only")
    try:
        return IPv6Address(inner)
    except AddressValueError:
        raise HostError("not an IPv6 address") from None


def _to_ascii(name: str) -> str:
    """Encode strictly by IDNA 2008, without mapping: look-alikes are rejected, not converted."""
    if name.isascii() and "xn--" not in name:
        return name
    if _FOREIGN_DOTS.search(name):
        raise HostError("the host holds a character that only looks like a dot")
    try:
        return idna.encode(name, strict=True, std3_rules=True).decode("ascii")
    except UnicodeError:  # idna.IDNAError is one
        raise HostError("the host is not a valid international name (IDNA 2008)") from None
