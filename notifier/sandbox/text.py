"""Counting what a reader takes for one character (UAX 29 grapheme clusters)."""

import regex

_GRAPHEME = regex.compile(r"\X")


def graphemes(text: str) -> int:
    """Return the number of grapheme clusters of a text."""
    return len(_GRAPHEME.findall(text))
