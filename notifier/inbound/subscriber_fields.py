"""Types of a subscriber's values: functions that normalize or raise a plain `ValueError`.

Shared by the API's bodies (`inbound/subscribers.py`) and lists (`inbound/subscriber_csv.py`).
"""

import re
import unicodedata
from datetime import UTC, datetime

from notifier.domain.recipients.subscriber import MAX_EXTERNAL_ID, MAX_NAME
from notifier.domain.values import Impact

# Characters that change the reading direction of what follows: a name must not rearrange the mail
# around it.
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
_UNWANTED = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})
_COMPONENT = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)


def external_id(text: str) -> str:
    """Parse the caller's own id of a subscriber."""
    if not text or len(text) > MAX_EXTERNAL_ID:
        raise ValueError(f"must have 1 to {MAX_EXTERNAL_ID} characters")
    if not text.isprintable() or text != text.strip():
        raise ValueError("must hold printable characters only, and no blanks at its ends")
    return text


def display_name(text: str) -> str:
    """Drop what must not be in a header or disturb surrounding text; collapse whitespace."""
    if not text.isprintable():
        text = "".join(" " if _is_unwanted(letter) else letter for letter in text if letter not in _DIRECTION)
    text = " ".join(text.split())
    if len(text) > MAX_NAME:
        raise ValueError(f"must have at most {MAX_NAME} characters")
    return text


def _is_unwanted(letter: str) -> bool:
    return unicodedata.category(letter) in _UNWANTED


def component_key(text: str) -> str:
    """Parse a component's key; the vocabulary decides whether the component exists."""
    if not _COMPONENT.fullmatch(text):
        raise ValueError("must begin with a-z or 0-9, hold only a-z, 0-9, _ and -, and have 64 characters at most")
    return text


def least_impact(impact: Impact) -> Impact:
    """Reject `maintenance` as a threshold: it is not on the scale, and has its own preference."""
    if impact is Impact.MAINTENANCE:
        raise ValueError("must be none, minor, major or critical; for maintenance there is `maintenance`")
    return impact


def instant(moment: datetime) -> datetime:
    """Return an aware instant in UTC."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie between the years 1 and 9999") from None
