"""Wrap plain text for mail: 78 characters if words allow, at most 998 octets (RFC 5322 2.1.1)."""

import re
import textwrap

from notifier.rendering.text.sanitize import TAG_OPEN, cut_at_grapheme

WIDTH = 76
_MAX_OCTETS = 900  # leaves room for the value of a tag
_BLANK_LINES = re.compile(r"\n{3,}")
_LEAD = re.compile(r"(?:> )*\s*(?:- |\d+\. )?")


def fold(text: str) -> str:
    """Wrap long lines with their own indent, except those with tags; merge blank lines."""
    lines = [folded for line in text.split("\n") for folded in _fold_line(line.rstrip())]
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n") + "\n"


def _fold_line(line: str) -> list[str]:
    if len(line) <= WIDTH or TAG_OPEN in line:
        return [line]
    lead = _LEAD.match(line)
    first = lead.group() if lead else ""
    following = first if first.startswith(">") else " " * len(first)
    wrapped = textwrap.wrap(
        line[len(first) :],
        width=WIDTH,
        initial_indent=first,
        subsequent_indent=following,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [piece for part in wrapped for piece in _split_octets(part)]


def _split_octets(line: str) -> list[str]:
    """Split a line of a script without spaces, or a very long URL."""
    pieces = []
    while len(line.encode()) > _MAX_OCTETS:
        piece = cut_at_grapheme(line, _MAX_OCTETS // 4)
        pieces.append(piece)
        line = line[len(piece) :]
    return [*pieces, line]
