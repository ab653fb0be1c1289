"""The length of a status as Mastodon counts it (StatusLengthValidator)."""

import re

from notifier.sandbox.text import graphemes
from notifier.sandbox.x.links import find_links

RESERVED_PER_URL = 23

_REMOTE_MENTION = re.compile(r"(?<![=/\w])@([A-Za-z0-9_]+(?:[A-Za-z0-9_.-]+[A-Za-z0-9_]+)?)@[\w.-]+[\w]+")


def length(text: str, spoiler: str = "") -> int:
    """Count graphemes; a URL with a scheme is 23, a remote mention counts without its domain."""
    for link in reversed(find_links(text)):
        if link.url.lower().startswith(("http://", "https://")):
            text = text[: link.start] + "x" * RESERVED_PER_URL + text[link.end :]
    return graphemes(spoiler) + graphemes(_REMOTE_MENTION.sub(r"@\1", text))
