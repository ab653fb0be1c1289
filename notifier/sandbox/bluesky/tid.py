"""TIDs, the timestamp identifiers of record keys and revisions (atproto.com/specs/tid)."""

import re

_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
_TID = re.compile(r"[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}")
_CLOCK_BITS = 10
_DIGITS = 13


def is_tid(key: str) -> bool:
    """Whether a record key is a TID."""
    return _TID.fullmatch(key) is not None


def make_tid(microseconds: int, clock_id: int) -> str:
    """Return the TID of a time (Unix microseconds) and a clock id (0 to 1023)."""
    number, digits = microseconds << _CLOCK_BITS | clock_id, ""
    for _ in range(_DIGITS):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
