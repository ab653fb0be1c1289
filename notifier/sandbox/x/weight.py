"""The length of a text as X counts it: twitter-text configuration version 3."""

import unicodedata
from bisect import bisect_right

from notifier.sandbox.x.emoji import EMOJI
from notifier.sandbox.x.links import Link, find_links

LIMIT = 280
LINK_WEIGHT = 23
EMOJI_WEIGHT = 2

_FORBIDDEN = frozenset("\ufffe\ufeff\uffff")
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))  # code points that weigh 1; all others weigh 2
_STARTS = [start for start, _ in _LIGHT]


def weigh(text: str) -> int:
    """Return the weighted length of a text; a post allows at most `LIMIT`."""
    normal = unicodedata.normalize("NFC", text)
    total, at = 0, 0
    for link in find_links(normal):
        total += _weigh_plain(normal[at : link.start]) + LINK_WEIGHT
        at = link.end
    return total + _weigh_plain(normal[at:])


def is_postable(text: str) -> bool:
    """Whether X accepts the text: not empty, not too long, no forbidden code points."""
    return 1 <= weigh(text) <= LIMIT and not _FORBIDDEN.intersection(text)


def links_of(text: str) -> list[Link]:
    """Return the links that X counts and shortens."""
    return find_links(unicodedata.normalize("NFC", text))


def _weigh_plain(text: str) -> int:
    total, at = 0, 0
    for emoji in EMOJI.finditer(text):
        total += sum(map(_weight, text[at : emoji.start()])) + EMOJI_WEIGHT
        at = emoji.end()
    return total + sum(map(_weight, text[at:]))


def _weight(character: str) -> int:
    code = ord(character)
    start, end = _LIGHT[bisect_right(_STARTS, code) - 1]
    return 1 if start <= code <= end else 2
