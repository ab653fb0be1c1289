"""Links in posts: how each platform shows them, and their targets."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from notifier.domain.messages.message import LinkSpan
from notifier.domain.values import Platform
from notifier.rendering.text.links import Link, find_links
from notifier.rendering.text.sanitize import ELLIPSIS

_SHOWN_URL = 26  # code points of a link shown on Bluesky; a facet has the full URL
_SCHEME = re.compile(r"^https?://(?:www\.)?", re.IGNORECASE)
_ACCIDENTAL_MENTION = re.compile(r"(?<![\w/.])@(?=\w)")
_TELLING = re.compile(rf"{_ACCIDENTAL_MENTION.pattern}|(?<![\w$])\$(?=[A-Za-z])")
_URL = re.compile(r"https?://\S+", re.IGNORECASE)  # including those that a platform does not link
_ZERO_WIDTH_SPACE = "\u200b"


@dataclass(frozen=True, slots=True)
class Shown:
    """A text as the platform shows it, its links (offsets in code points), and their targets."""

    text: str
    links: tuple[Link, ...]
    targets: tuple[str, ...]

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Start and end of each link."""
        return [(link.start, link.end) for link in self.links]

    @property
    def known(self) -> list[tuple[str, str]]:
        """Shown text and target of each link."""
        return [(link.text, target) for link, target in zip(self.links, self.targets, strict=True)]


def shown(text: str, platform: Platform) -> Shown:
    """Convert a text to the platform's form: short links on Bluesky, `harmless` elsewhere."""
    text = harmless(text, platform)
    found = find_links(text, bare=platform is not Platform.MASTODON)
    targets = tuple(link.target for link in found)
    if platform is not Platform.BLUESKY:
        return Shown(text, tuple(found), targets)
    result, links, position = "", [], 0
    for link in found:
        result += text[position : link.start]
        short = short_url(link.text)
        links.append(Link(len(result), len(result) + len(short), short))
        result += short
        position = link.end
    return Shown(result + text[position:], tuple(links), targets)


def harmless(text: str, platform: Platform) -> str:
    """Prevent accidental mentions in a text, except inside links.

    On X also prevents cashtags, because X refuses a post with more than one.
    """
    if platform is Platform.BLUESKY:
        return text  # only facets create mentions there
    sign = _TELLING if platform is Platform.X else _ACCIDENTAL_MENTION
    whole = [link.span() for link in _URL.finditer(text)] + [(link.start, link.end) for link in find_links(text)]

    def neutral(found: re.Match[str]) -> str:
        inside = any(start <= found.start() < end for start, end in whole)
        return found[0] if inside else found[0] + _ZERO_WIDTH_SPACE

    return sign.sub(neutral, text)


def short_url(url: str) -> str:
    """Shorten a URL as is usual on Bluesky: no scheme, end cut off."""
    bare = _SCHEME.sub("", url).rstrip("/")
    return bare if len(bare) <= _SHOWN_URL else bare[: _SHOWN_URL - 1] + ELLIPSIS


def locate(text: str, known: Sequence[tuple[str, str]]) -> Iterator[LinkSpan]:
    """Locate shown links in order; offsets in UTF-8 bytes (app.bsky.richtext.facet#byteSlice)."""
    position = 0
    for visible, target in known:
        start = text.find(visible, position)
        if start < 0:
            continue  # cut off at the end of the text
        position = start + len(visible)
        first = len(text[:start].encode())
        yield LinkSpan(start=first, end=first + len(visible.encode()), url=target)
