"""Remove HTML comments and tags from Markdown before it is sent to anyone.

Removes a comment anywhere, an unterminated one up to the end of the text. Turns `<br>` into a line
break and keeps the text inside other tags. Leaves code unchanged, as identified by the parser
itself. `a < b`, `<https://...>` and `List<String>` are not tags.
"""

import re
from collections.abc import Iterable, Iterator

from markdown_it import MarkdownIt
from markdown_it.common.html_blocks import block_names
from markdown_it.token import Token

from notifier.domain.messages.characters import cleaned
from notifier.domain.messages.comments import OPENING, comment_end, without_comments
from notifier.rendering.text.sanitize import TAG_CLOSE, TAG_OPEN

_MAX_NESTING = 8  # of lists and quotes: enough in practice, and every level takes width in a mail
_MOST_PASSES = 8  # each removes what the previous one joined together; only hostile text needs many
_BLOCKS = frozenset(block_names) | {"pre"}
_INLINE = re.compile(
    "a|abbr|acronym|area|audio|b|bdi|bdo|big|br|button|canvas|cite|code|data|datalist|del|dfn|em|embed|font|i|img|input|"
    "ins|kbd|label|map|mark|marquee|meter|noscript|object|output|picture|progress|q|rp|rt|ruby|s|samp|script|select|"
    "slot|small|span|strike|strong|style|sub|sup|svg|template|textarea|time|tt|u|var|video|wbr"
)
_CANDIDATE = re.compile(rf"{OPENING}|<(?:/?([A-Za-z][A-Za-z0-9]*)(?:\s[^<>]*|/)?|[!?][A-Za-z\[][^<>]*)>")
_HARD_BREAK = "  \n"
_MARK = re.compile(f"{TAG_OPEN}([0-9]+){TAG_CLOSE}")  # characters that cleaned text never contains

parser = MarkdownIt("commonmark", {"html": False, "maxNesting": _MAX_NESTING}).enable("strikethrough")


def without_markup(source: str) -> str:
    """Remove comments and HTML tags from Markdown."""
    if "<" not in source:
        return source
    text = cleaned(source)
    for _ in range(_MOST_PASSES):
        found = list(_candidates(text))
        if not found:
            return text
        shorter = _left_out(text, found, _in_code(text, found))
        if shorter == text:
            return text
        text = shorter
    return text.partition(OPENING)[0]


def line_without_markup(text: str) -> str:
    """Remove comments and HTML tags from a plain text, such as a title."""
    if "<" not in text:
        return text
    plain = without_comments(cleaned(text))
    return " ".join(_left_out(plain, _candidates(plain), frozenset()).split())


def _candidates(text: str) -> Iterator[re.Match[str]]:
    """Find comments and tags. An escaped tag is text; an escaped comment is still a comment."""
    for found in _CANDIDATE.finditer(text):
        name = (found[1] or "").lower()
        if found[0] == OPENING or not (
            _is_escaped(text, found.start()) or (name and name not in _BLOCKS and not _INLINE.fullmatch(name))
        ):
            yield found


def _is_escaped(text: str, position: int) -> bool:
    before = text[:position]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _in_code(text: str, found: Iterable[re.Match[str]]) -> frozenset[int]:
    """Return the indices of candidates inside code, found by parsing with marks in their place."""
    parts, position = [], 0
    for number, candidate in enumerate(found):
        parts += [text[position : candidate.start()], f"{TAG_OPEN}{number}{TAG_CLOSE}"]
        position = candidate.start() + 1
    tokens = parser.parse("".join([*parts, text[position:]]))
    return frozenset(int(number) for code in _code(tokens) for number in _MARK.findall(code))


def _code(tokens: Iterable[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type in {"fence", "code_block", "code_inline"}:
            yield token.content
        elif token.type == "inline":
            yield from _code(token.children or ())


def _left_out(text: str, found: Iterable[re.Match[str]], code: frozenset[int]) -> str:
    parts, position = [], 0
    for number, candidate in enumerate(found):
        start, name = candidate.start(), (candidate[1] or "").lower()
        if number in code or start < position:
            continue
        before = text[position:start]
        if candidate[0] == OPENING:
            position = comment_end(text, start)
            before = before[:-1] if _is_escaped(text, start) else before
            parts.append(before.rstrip(" \t") if text[position : position + 1].strip() == "" else before)
        elif name == "br" or name in _BLOCKS:
            position = _line_begin(text, candidate.end())
            parts += [before.rstrip(" \t"), _HARD_BREAK if name == "br" else "\n\n"]
        else:
            position = candidate.end()
            parts.append(before)
    return "".join([*parts, text[position:]])


def _line_begin(text: str, position: int) -> int:
    """Return where the text continues after a line break at `position`."""
    while text[position : position + 1] in {" ", "\t"}:
        position += 1
    return position + (text[position : position + 1] == "\n")
