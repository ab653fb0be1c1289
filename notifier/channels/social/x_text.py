"""Recognise our own posts in X's timeline, and compute the price of a post."""

import html
import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

# Pay-per-use prices of 20 April 2026, in US dollars (X developer console, "Pricing").
POST_USD = Decimal("0.015")
LINK_POST_USD = Decimal("0.20")

_LINK = re.compile(r"https?://\S", re.IGNORECASE)
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_BLANK = re.compile(r"\s+")
_INVISIBLE = re.compile("[\u200b\u2060]")  # we insert them, and platforms may remove them


def post_cost(text: str) -> Decimal:
    """Return the price of publishing a text, in US dollars.

    Correct for a text with full URLs, and for any text as X returns it, where every link is a t.co
    one.
    """
    return LINK_POST_USD if _LINK.search(text) else POST_USD


def is_same_post(text: str, found: Mapping[str, Any]) -> bool:
    """Whether a post of the timeline (v2 object with `entities`) has this text.

    Compares after NFC, whitespace folding and expansion of t.co links by `entities.urls`, and
    without URL schemes, which X adds to bare domains. X also escapes `&`, `<` and `>`.
    """
    theirs = found.get("text")
    return isinstance(theirs, str) and _plain(expanded(theirs, found.get("entities"))) == _plain(text)


def expanded(text: str, entities: object) -> str:
    """Return a post's text with its t.co links expanded."""
    urls = entities.get("urls") if isinstance(entities, dict) else None
    for url in urls if isinstance(urls, list) else ():
        short, full = (url.get("url"), url.get("expanded_url")) if isinstance(url, dict) else (None, None)
        if isinstance(short, str) and isinstance(full, str) and short:
            text = text.replace(short, full)
    return text


def _plain(text: str) -> str:
    normal = unicodedata.normalize("NFC", html.unescape(text))
    return _BLANK.sub(" ", _SCHEME.sub("", _INVISIBLE.sub("", normal))).strip()
