"""Check custom mail headers: reserved and ASCII names, string values, line breaks and length."""

import re

from notifier.sandbox.sendgrid.errors import BAD_REQUEST, Problem

_RESERVED = (
    "x-sg-id x-sg-eid received dkim-signature content-type content-transfer-encoding to from subject reply-to cc bcc"
)
RESERVED = frozenset(_RESERVED.split())
LINE_OCTETS = 998  # RFC 5322 section 2.1.1

_NAME = re.compile(r"[!-9;-~]+")
_BREAK = re.compile(r"[\r\n\0]")


class HeaderRules:
    """Checks header objects. Caches results by set of names: 1,000 recipients share a few sets."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], str | None] = {}

    def problems(self, headers: object, field: str) -> list[Problem]:
        """Return the errors in the `headers` object at `field`."""
        if not isinstance(headers, dict):
            return [Problem("The headers must be an object of strings.", field)]
        try:
            joined = "".join(headers.values())
        except TypeError:
            return [BAD_REQUEST]
        if message := self._names(tuple(headers)):
            return [Problem(message, field)]
        if _BREAK.search(joined):
            return [Problem("Header values must not contain line breaks.", field)]
        if len(joined) > LINE_OCTETS // 4 and (name := _too_long(headers)):
            return [Problem(f"The header line of {name} is longer than {LINE_OCTETS} octets.", field)]
        return []

    def _names(self, names: tuple[str, ...]) -> str | None:
        if names not in self._known:
            self._known[names] = _fault_in_names(names)
        return self._known[names]


def _fault_in_names(names: tuple[str, ...]) -> str | None:
    folded = [name.lower() for name in names]
    if any(not _NAME.fullmatch(name) for name in names):
        return "Header keys cannot contain non-ASCII characters and empty spaces."
    if RESERVED.intersection(folded):
        return "Header can not be one of the reserved keys."
    if len(set(folded)) != len(folded):
        return "The headers cannot contain duplicate keys."
    return None


def _too_long(headers: dict[str, str]) -> str | None:
    for name, value in headers.items():
        if len(name) + 2 + len(value.encode()) > LINE_OCTETS:
            return name
    return None
