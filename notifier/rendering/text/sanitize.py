"""Make untrusted text safe before it reaches a template."""

import re

import regex

from notifier.domain.messages.characters import cleaned

ELLIPSIS = "\u2026"
TAG_OPEN, TAG_CLOSE = "\ue000", "\ue001"  # private use: marks of mail/substitutions.py

_BLANKS = re.compile(r"\s+")
_GRAPHEME = regex.compile(r"\X")


def clean_block(text: str, limit: int | None = None) -> str:
    """Clean multi-line text: no control characters, LF line ends, at most `limit` code points."""
    if limit is not None and len(text) > 2 * limit:
        text = text[: 2 * limit]  # bounds the cost of cleaning
    clean = cleaned(text)
    return clean if limit is None else cut_at_grapheme(clean, limit)


def clean_line(text: str, limit: int = 500) -> str:
    """Clean text to one line: no line end may reach a header (RFC 5322 section 2.2)."""
    line = _BLANKS.sub(" ", clean_block(text, 2 * limit)).strip()
    return line if len(line) <= limit else cut_at_word(line, limit - 1) + ELLIPSIS


def cut_at_grapheme(text: str, limit: int) -> str:
    """Return the longest prefix of at most `limit` code points that splits no grapheme."""
    if len(text) <= limit:
        return text
    start = max(0, limit - 64)  # only hostile text has graphemes of more than 64 code points
    end = start
    for match in _GRAPHEME.finditer(text, start):
        if match.end() > limit:
            break
        end = match.end()
    return text[: end or limit]


def cut_at_word(text: str, limit: int) -> str:
    """Return the longest prefix of at most `limit` code points, cut between words if possible."""
    if len(text) <= limit:
        return text
    head = cut_at_grapheme(text, limit)
    at_blank = head.rfind(" ")
    return (head[:at_blank] if at_blank > limit // 2 else head).rstrip(" ,;:-")
