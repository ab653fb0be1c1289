"""Mail addresses that SendGrid accepts: ASCII, RFC 5321 lengths, no quoted local part."""

import re
from typing import Any

MAX_PATH = 254  # RFC 5321 section 4.5.3.1.3, without the angle brackets
EXAMPLE = 'e.g. {"email": "example@example.com"} or {"email": "example@example.com", "name": "Example Recipient"}'

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(
    rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?=.{{1,255}}\Z)(?:{_LABEL}\.)+[A-Za-z0-9-]*[A-Za-z][A-Za-z0-9-]*"
)
_FORBIDDEN_IN_NAME = re.compile(r"[;,\x00-\x1f\x7f]")
_ADDRESS_KEYS = frozenset({"email", "name"})

matches_address = _ADDRESS.fullmatch


def is_address(value: object) -> bool:
    """Whether `value` is a valid address."""
    return isinstance(value, str) and len(value) <= MAX_PATH and matches_address(value) is not None


def unknown_keys(value: dict[str, Any]) -> list[str]:
    """Return the keys of an address object other than `email` and `name`."""
    return sorted(value.keys() - _ADDRESS_KEYS)


def bad_name(value: dict[str, Any], *, strict: bool) -> str | None:
    """Return the error in an address object's `name`, or None."""
    name = value.get("name")
    if name is None:
        return None if "name" not in value else "The name must be a string."
    if not isinstance(name, str):
        return "The name must be a string."
    if strict and _FORBIDDEN_IN_NAME.search(name):
        return "The name must not contain a semicolon, a comma or a control character."
    return None
