"""Hostile text made harmless before any template sees it."""

import re

import regex

from notifier.domain.messages.characters import cleaned

ELLIPSIS = "\u2026"
TAG_OPEN, TAG_CLOSE = "\ue000", "\ue001"  # private use: stand for personal parts inside templates (tags.py)

_BLANKS = re.compile(r"\s+")
_GRAPHEME = regex.compile(r"\X")


def clean_block(text: str, limit: int | None = None) -> str:
    """Return text of many lines without control characters, line ends as LF, at most `limit` code points."""
    if limit is not None and len(text) > 2 * limit:
        text = text[: 2 * limit]  # what is removed below must not cost more than what is kept
    clean = cleaned(text)
    return clean if limit is None else cut_at_grapheme(clean, limit)


def clean_line(text: str, limit: int = 500) -> str:
    """Return text as one line: no line end can reach a header or a subject (RFC 5322 section 2.2)."""
    line = _BLANKS.sub(" ", clean_block(text, 2 * limit)).strip()
    return line if len(line) <= limit else cut_at_word(line, limit - 1) + ELLIPSIS


def cut_at_grapheme(text: str, limit: int) -> str:
    """Return the longest beginning of at most `limit` code points that splits no grapheme."""
    if len(text) <= limit:
        return text
    start = max(0, limit - 64)  # graphemes of more than 64 code points are an attack, not writing
    end = start
    for match in _GRAPHEME.finditer(text, start):
        if match.end() > limit:
            break
        end = match.end()
    return text[: end or limit]


def cut_at_word(text: str, limit: int) -> str:
    """Return the longest beginning of at most `limit` code points that ends with a whole word, if any does."""
    if len(text) <= limit:
        return text
    head = cut_at_grapheme(text, limit)
    at_blank = head.rfind(" ")
    return (head[:at_blank] if at_blank > limit // 2 else head).rstrip(" ,;:-")
