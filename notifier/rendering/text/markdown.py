"""Render incident bodies: untrusted Markdown to safe HTML, or to plain text with URLs written out.

No raw HTML, images or remote content; links to http, https and mailto only. Two layers of defence:
the parser emits no typed HTML, and nh3 allows only the tags below.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile

import nh3
from markdown_it.token import Token

from notifier.rendering.text.links import find_links
from notifier.rendering.text.markup import parser, without_markup
from notifier.rendering.text.sanitize import ELLIPSIS, clean_block, cut_at_word

_TAGS = {
    "p",
    "br",
    "strong",
    "em",
    "s",
    "ul",
    "ol",
    "li",
    "blockquote",
    "code",
    "pre",
    "a",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
}
_ATTRIBUTES = {"a": {"href", "dir"}, "ol": {"start"}}  # dir: a bare URL is always left to right
_SCHEMES = {"http", "https", "mailto"}
_HEADING_SHIFT = 2  # the message's own headings are h1 and h2
_LAST_HEADING = 6


@dataclass(frozen=True, slots=True)
class Prose:
    """A body as HTML and as plain text; `cut` if the end was dropped."""

    html: str
    text: str
    cut: bool = False


def render(body: str, *, limit: int) -> Prose:
    """Render a body to at most `limit` bytes of HTML, cut between blocks, else at a word."""
    written = without_markup(body)
    source = clean_block(written, limit)
    shown, whole = _first_blocks(list(_blocks(_prepared(source))), limit)
    if not shown and not whole:
        shown = _cut_text(to_text(source), limit)
    html = _html(token for block in shown for token in block)
    return Prose(
        html=_safe(html),
        text=_plain([token for block in shown for token in block]),
        cut=not whole or len(written) > 2 * limit,
    )


def to_text(body: str, *, limit: int = 20_000, targets: bool = True) -> str:
    """Render a body as plain text: links as `text (url)`, list items with `- `.

    Blank lines separate paragraphs.

    Args:
        body: Markdown.
        limit: How many characters of the source to use.
        targets: Whether to include link targets; the text of a link is always included.
    """
    return _plain(_prepared(clean_block(without_markup(body), limit)), targets=targets)


def _safe(html: str) -> str:
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer",
        strip_comments=True,
    ).strip()


def _prepared(source: str) -> list[Token]:
    """Parse; lower headings, replace images by text, drop disallowed links, link bare URLs."""
    tokens = parser.parse(source)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1]) + _HEADING_SHIFT, _LAST_HEADING)}"
        if token.children:
            token.children = list(_inline(token.children))
    return tokens


def _inline(children: list[Token]) -> Iterator[Token]:
    kept: list[bool] = []  # for each open link, whether it stays a link
    for child in children:
        if child.type == "link_open":
            kept.append(_is_allowed(str(child.attrs.get("href", ""))))
        if child.type in {"link_open", "link_close"}:
            stays = kept[-1] if kept else False
            if child.type == "link_close" and kept:
                kept.pop()
            if stays:
                if child.markup == "autolink" and child.type == "link_open":
                    child.attrSet("dir", "ltr")
                yield child
        elif child.type == "image":
            yield _text(_inline_text(child.children or [], targets=False))
        elif child.type == "text" and not kept:
            yield from _linked(child.content)
        else:
            yield child


def _is_allowed(href: str) -> bool:
    scheme, colon, _ = href.partition(":")
    return bool(colon) and scheme.lower() in _SCHEMES


def _linked(text: str) -> Iterator[Token]:
    """Turn the bare URLs with a scheme in a text into links."""
    position = 0
    for link in find_links(text, bare=False):
        yield _text(text[position : link.start])
        yield Token("link_open", "a", 1, attrs={"href": link.text, "dir": "ltr"}, info="auto")
        yield _text(link.text)
        yield Token("link_close", "a", -1, info="auto")
        position = link.end
    yield _text(text[position:])


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _blocks(tokens: list[Token]) -> Iterator[list[Token]]:
    """Group tokens into top-level blocks: paragraphs, lists, quotes, code."""
    block: list[Token] = []
    depth = 0
    for token in tokens:
        block.append(token)
        depth += token.nesting
        if depth == 0:
            yield block
            block = []


def _first_blocks(blocks: list[list[Token]], limit: int) -> tuple[list[list[Token]], bool]:
    """Return the blocks that fit, and whether these are all blocks."""
    used = 0
    for index, block in enumerate(blocks):
        used += len(_html(block).encode())
        if used > limit:
            return blocks[:index], False
    return blocks, True


def _cut_text(text: str, limit: int) -> list[list[Token]]:
    """Return the part of a text that fits, as one paragraph; for a first block that is too long."""
    length = limit
    while True:
        token = Token("inline", "", 0, children=[_text(cut_at_word(text, length) + ELLIPSIS)])
        block = [Token("paragraph_open", "p", 1), token, Token("paragraph_close", "p", -1)]
        size = len(_html(block).encode())
        if size <= limit or length < 1:
            return [block]
        length = min(length - 1, length * limit // size)


def _html(tokens: Iterable[Token]) -> str:
    return str(parser.renderer.render(list(tokens), parser.options, {}))


def _plain(tokens: list[Token], *, targets: bool = True) -> str:
    return "\n\n".join(
        text for text in (_PlainBlocks(targets=targets).write(block) for block in _blocks(tokens)) if text
    )


class _PlainBlocks:
    """Renders one top-level block as plain text."""

    def __init__(self, *, targets: bool) -> None:
        self._targets = targets
        self._lines: list[str] = []
        self._counters: list[int | None] = []  # of the open lists; None: bullets
        self._quotes = 0
        self._marker = ""

    def write(self, block: list[Token]) -> str:
        for token in block:
            self._take(token)
        return "\n".join(self._lines).strip("\n")

    def _take(self, token: Token) -> None:
        match token.type:
            case "bullet_list_open":
                self._counters.append(None)
            case "ordered_list_open":
                self._counters.append(int(token.attrs.get("start", 1)))
            case "bullet_list_close" | "ordered_list_close":
                self._counters.pop()
            case "list_item_open":
                self._marker = self._next_marker()
            case "blockquote_open" | "blockquote_close":
                self._quotes += token.nesting
            case "inline":
                self._add(_inline_text(token.children or [], targets=self._targets))
            case "fence" | "code_block":
                self._add("\n".join(f"    {line}" for line in token.content.rstrip("\n").split("\n")))
            case "hr":
                self._add("---")
            case _:
                pass

    def _next_marker(self) -> str:
        number = self._counters[-1]
        if number is None:
            return "- "
        self._counters[-1] = number + 1
        return f"{number}. "

    def _add(self, text: str) -> None:
        quote = "> " * self._quotes
        indent = "  " * max(0, len(self._counters) - 1)
        hanging = indent + "  " if self._counters else ""
        if self._quotes and not self._counters and self._lines:
            self._lines.append(quote.rstrip())
        for index, line in enumerate(text.split("\n")):
            lead = indent + self._marker if index == 0 and self._marker else hanging
            self._lines.append(f"{quote}{lead}{line}")
        self._marker = ""


def _inline_text(children: list[Token], *, targets: bool) -> str:
    parts: list[str] = []
    opened: list[tuple[str, int]] = []
    for child in children:
        match child.type:
            case "text" | "code_inline":
                parts.append(child.content)
            case "softbreak":
                parts.append(" ")
            case "hardbreak":
                parts.append("\n")
            case "link_open":
                opened.append((str(child.attrs.get("href", "")), len(parts)))
            case "link_close" if opened:
                href, start = opened.pop()
                if targets and not _shows_target(href, "".join(parts[start:])):
                    parts.append(f" ({href.removeprefix('mailto:')})")
            case _:
                pass
    return "".join(parts).strip()


def _shows_target(href: str, text: str) -> bool:
    """Whether a link's text is already its target."""

    def bare(url: str) -> str:
        return url.removeprefix("mailto:").removeprefix("https://").removeprefix("http://").rstrip("/").lower()

    return bare(href) == bare(text.strip())


def first_paragraph(text: str) -> str:
    """Return a plain text's first paragraph as one line, for previews."""
    return " ".join(takewhile(str.strip, text.strip().split("\n")))
