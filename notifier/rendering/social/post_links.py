"""Links in posts: what each platform shows of them, and where they lead."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from notifier.domain.messages.message import LinkSpan
from notifier.domain.values import Platform
from notifier.rendering.text.links import Link, find_links
from notifier.rendering.text.sanitize import ELLIPSIS

_SHOWN_URL = 26  # code points of a link on Bluesky, where a facet carries the whole
_SCHEME = re.compile(r"^https?://(?:www\.)?", re.IGNORECASE)
_ACCIDENTAL_MENTION = re.compile(r"(?<![\w/.])@(?=\w)")
_TELLING = re.compile(rf"{_ACCIDENTAL_MENTION.pattern}|(?<![\w$])\$(?=[A-Za-z])")
_URL = re.compile(r"https?://\S+", re.IGNORECASE)  # also those that a platform makes no link of
_ZERO_WIDTH_SPACE = "\u200b"


@dataclass(frozen=True, slots=True)
class Shown:
    """A text as the platform shows it, its links with offsets in code points, and the targets of these."""

    text: str
    links: tuple[Link, ...]
    targets: tuple[str, ...]

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Where the links are."""
        return [(link.start, link.end) for link in self.links]

    @property
    def known(self) -> list[tuple[str, str]]:
        """What is shown of each link, and its target."""
        return [(link.text, target) for link, target in zip(self.links, self.targets, strict=True)]


def shown(text: str, platform: Platform) -> Shown:
    """Bring a text into the platform's form: short links on Bluesky, `harmless` elsewhere."""
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
    """Keep a text, outside its links, from mentioning anybody by accident.

    On X also from holding cashtags: it refuses a post with more than one.
    """
    if platform is Platform.BLUESKY:
        return text  # mentions there are made by facets only
    sign = _TELLING if platform is Platform.X else _ACCIDENTAL_MENTION
    whole = [link.span() for link in _URL.finditer(text)] + [(link.start, link.end) for link in find_links(text)]

    def neutral(found: re.Match[str]) -> str:
        inside = any(start <= found.start() < end for start, end in whole)
        return found[0] if inside else found[0] + _ZERO_WIDTH_SPACE

    return sign.sub(neutral, text)


def short_url(url: str) -> str:
    """Show a link as readers of Bluesky know them: without scheme, its end cut."""
    bare = _SCHEME.sub("", url).rstrip("/")
    return bare if len(bare) <= _SHOWN_URL else bare[: _SHOWN_URL - 1] + ELLIPSIS


def locate(text: str, known: Sequence[tuple[str, str]]) -> Iterator[LinkSpan]:
    """Find shown links in reading order; offsets in bytes of UTF-8 (app.bsky.richtext.facet#byteSlice)."""
    position = 0
    for visible, target in known:
        start = text.find(visible, position)
        if start < 0:
            continue  # cut off with the end of the text
        position = start + len(visible)
        first = len(text[:start].encode())
        yield LinkSpan(start=first, end=first + len(visible.encode()), url=target)
