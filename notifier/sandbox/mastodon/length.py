"""How long Mastodon finds a status (StatusLengthValidator)."""

import re

from notifier.sandbox.text import graphemes
from notifier.sandbox.x.links import find_links

RESERVED_PER_URL = 23

_REMOTE_MENTION = re.compile(r"(?<![=/\w])@([A-Za-z0-9_]+(?:[A-Za-z0-9_.-]+[A-Za-z0-9_]+)?)@[\w.-]+[\w]+")


def length(text: str, spoiler: str = "") -> int:
    """Return the length that counts: each URL with a scheme 23, a remote mention without its domain, else graphemes."""
    for link in reversed(find_links(text)):
        if link.url.lower().startswith(("http://", "https://")):
            text = text[: link.start] + "x" * RESERVED_PER_URL + text[link.end :]
    return graphemes(spoiler) + graphemes(_REMOTE_MENTION.sub(r"@\1", text))
