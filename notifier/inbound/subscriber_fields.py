"""The kinds of value a subscriber is made of: each function returns the normal form or raises a plain `ValueError`.

The API's bodies (`inbound/subscribers.py`) and the lists (`inbound/subscriber_csv.py`) read by the same functions.
"""

import re
import unicodedata
from datetime import UTC, datetime

from notifier.domain.recipients.subscriber import MAX_EXTERNAL_ID, MAX_NAME
from notifier.domain.values import Impact

# Characters that turn the reading direction of what follows: a name must not rearrange the mail around it.
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
_UNWANTED = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})
_COMPONENT = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)


def external_id(text: str) -> str:
    """Read the name by which the caller's own system knows a subscriber."""
    if not text or len(text) > MAX_EXTERNAL_ID:
        raise ValueError(f"must have 1 to {MAX_EXTERNAL_ID} characters")
    if not text.isprintable() or text != text.strip():
        raise ValueError("must hold printable characters only, and no blanks at its ends")
    return text


def display_name(text: str) -> str:
    """Strip what may not stand in a header or disturb the text around it; join blanks."""
    if not text.isprintable():
        text = "".join(" " if _is_unwanted(letter) else letter for letter in text if letter not in _DIRECTION)
    text = " ".join(text.split())
    if len(text) > MAX_NAME:
        raise ValueError(f"must have at most {MAX_NAME} characters")
    return text


def _is_unwanted(letter: str) -> bool:
    return unicodedata.category(letter) in _UNWANTED


def component_key(text: str) -> str:
    """Read a component's key; whether this house has such a component is the vocabulary's to say."""
    if not _COMPONENT.fullmatch(text):
        raise ValueError("must begin with a-z or 0-9, hold only a-z, 0-9, _ and -, and have 64 characters at most")
    return text


def least_impact(impact: Impact) -> Impact:
    """Refuse `maintenance` as a threshold: it is not on the scale, and has a preference of its own."""
    if impact is Impact.MAINTENANCE:
        raise ValueError("must be none, minor, major or critical; for maintenance there is `maintenance`")
    return impact


def instant(moment: datetime) -> datetime:
    """Return an aware instant in UTC."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie between the years 1 and 9999") from None
