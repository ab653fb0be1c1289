"""Measure a text as each platform does. Vectors: tests/unit/rendering/text/test_counting.py."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import regex

from notifier.domain.values import Platform
from notifier.rendering.text.emoji import emoji_pattern
from notifier.rendering.text.links import find_links

X_LIMIT = 280
MASTODON_LIMIT = 500  # an instance may allow more; see `GET /api/v2/instance`
BLUESKY_LIMIT = 300
BLUESKY_BYTES = 3000
URL_WEIGHT = 23  # at any length; X: transformedURLLength, Mastodon: characters_reserved_per_url

_WIDE = 2
# Code points that weigh 1 on X (twitter-text config/v3.json); all others weigh 2.
_LIGHT = regex.compile(r"[\u0000-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037]")
_GRAPHEME = regex.compile(r"\X")
_REMOTE_MENTION = regex.compile(r"(?<![=/\w])@([a-zA-Z0-9_]+(?:[a-zA-Z0-9_.\-]+[a-zA-Z0-9_]+)?)@[\w.\-]+\w")


def x_length(text: str) -> int:
    """Count as X does: weighted code points after NFC; a link counts 23, an emoji 2 (limit 280)."""
    normal = unicodedata.normalize("NFC", text)
    weight = position = 0
    for link in find_links(normal):
        weight += _weight(normal[position : link.start]) + URL_WEIGHT
        position = link.end
    return weight + _weight(normal[position:])


def _weight(text: str) -> int:
    if text.isascii():
        return len(text)
    plain, emoji = emoji_pattern().subn("", text)
    return _WIDE * (emoji + len(plain)) - len(_LIGHT.findall(plain))


def mastodon_length(text: str) -> int:
    """Count as Mastodon does: graphemes; a full URL is 23, a remote mention its local part."""
    pieces, position = [], 0
    for link in find_links(text, bare=False):
        pieces += [text[position : link.start], "x" * URL_WEIGHT]
        position = link.end
    pieces.append(text[position:])
    return graphemes(_REMOTE_MENTION.sub(r"@\1", "".join(pieces)))


def graphemes(text: str) -> int:
    """Count grapheme clusters (Unicode Standard Annex 29)."""
    return len(text) if text.isascii() and "\r" not in text else len(_GRAPHEME.findall(text))


@dataclass(frozen=True, slots=True)
class Limit:
    """A platform's limit: at most `most` counted by `measure`, and `most_bytes` of UTF-8."""

    most: int
    measure: Callable[[str], int]
    most_bytes: int | None = None

    def used(self, text: str) -> float:
        """Return the fraction of the limit that a text uses; the platform refuses more than 1.0."""
        by_count = self.measure(text) / self.most
        return by_count if self.most_bytes is None else max(by_count, len(text.encode()) / self.most_bytes)

    def fits(self, text: str) -> bool:
        """Whether the platform accepts a text of this length."""
        return self.used(text) <= 1.0


def limit_of(platform: Platform, most: int | None = None) -> Limit:
    """Return a platform's limit; `most` overrides the number for an instance or account."""
    return _LIMITS[platform](most or _MOST[platform])


_MOST = {Platform.X: X_LIMIT, Platform.MASTODON: MASTODON_LIMIT, Platform.BLUESKY: BLUESKY_LIMIT}
_LIMITS: dict[Platform, Callable[[int], Limit]] = {
    Platform.X: partial(Limit, measure=x_length),
    Platform.MASTODON: partial(Limit, measure=mastodon_length),
    Platform.BLUESKY: partial(Limit, measure=graphemes, most_bytes=BLUESKY_BYTES),
}
