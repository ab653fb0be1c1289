"""The personal parts of a mail: marks while rendering, then tags with a value per recipient.

SendGrid replaces literal keys in subject and content, unescaped, in one pass (provider page
"substitution tags"). So a key must not occur in any incident text, none may be a prefix of another,
and text and HTML need separate keys if the escaped value differs.
"""

import re
from itertools import count

from markupsafe import Markup

from notifier.rendering.text.sanitize import TAG_CLOSE, TAG_OPEN

GREETING, GREETING_HTML = "greet", "greeth"
PREFERENCES, PREFERENCES_HTML = "prefs", "prefsh"
UNSUBSCRIBE, UNSUBSCRIBE_HTML = "unsub", "unsubh"
PERSONAL = (GREETING, GREETING_HTML, PREFERENCES, PREFERENCES_HTML, UNSUBSCRIBE, UNSUBSCRIBE_HTML)
STARTED, BEGINS, ENDS = "start", "from", "until"
WINDOW, MOVED_FROM, NEXT_UPDATE = "window", "moved", "next"

_MARK = re.compile(f"{TAG_OPEN}([a-z0-9]+){TAG_CLOSE}")


def mark(name: str) -> Markup:
    """Return the placeholder of a personal part, never found in cleaned text; survives escaping."""
    return Markup(f"{TAG_OPEN}{name}{TAG_CLOSE}")  # noqa: S704 - two private-use characters around one of our own names


def time_mark(index: int) -> str:
    """Return the name of the time of the listed update with this index."""
    return f"t{index}"


def free_prefix(*texts: str) -> str:
    """Return the first of `ntf`, `ntf1`, `ntf2` ... that no text uses, even a hostile one."""
    candidates = (f"ntf{number or ''}" for number in count())
    return next(prefix for prefix in candidates if not any(f"-{prefix}_" in text for text in texts))


def tag(prefix: str, name: str) -> str:
    """Return the substitution key: `-ntf_t1-`. Its last delimiter makes keys prefix-free."""
    return f"-{prefix}_{name}-"


def place_tags(text: str, prefix: str) -> str:
    """Replace every mark in a rendered text by its tag."""
    return _MARK.sub(lambda match: tag(prefix, match[1]), text)


def names_in(*texts: str) -> frozenset[str]:
    """Return the names of all marks in rendered texts."""
    return frozenset(name for text in texts for name in _MARK.findall(text))
