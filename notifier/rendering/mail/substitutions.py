"""The personal parts of a mail: marks while it is rendered, substitution tags afterwards, one value each per recipient.

SendGrid replaces literal keys in subject and content, raw, in one pass (provider page "substitution tags"). So: keys
must not occur in what people wrote, none may begin another, and text and HTML need keys of their own where the escaped
value differs.
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
    """What a template prints where a personal part belongs: cannot occur in cleaned text, survives escaping."""
    return Markup(f"{TAG_OPEN}{name}{TAG_CLOSE}")  # noqa: S704 - two private-use characters around one of our own names


def time_mark(index: int) -> str:
    """The name of the time of the update with that place among the listed ones."""
    return f"t{index}"


def free_prefix(*texts: str) -> str:
    """The first of `ntf`, `ntf1`, `ntf2` ... with which no tag can occur in the texts by accident or on purpose."""
    candidates = (f"ntf{number or ''}" for number in count())
    return next(prefix for prefix in candidates if not any(f"-{prefix}_" in text for text in texts))


def tag(prefix: str, name: str) -> str:
    """The key under which a value is substituted: `-ntf_t1-`. It ends with its delimiter, so none begins another."""
    return f"-{prefix}_{name}-"


def place_tags(text: str, prefix: str) -> str:
    """Turn every mark of a rendered text into its tag."""
    return _MARK.sub(lambda match: tag(prefix, match[1]), text)


def names_in(*texts: str) -> frozenset[str]:
    """Names of all marks that occur in rendered texts."""
    return frozenset(name for text in texts for name in _MARK.findall(text))
