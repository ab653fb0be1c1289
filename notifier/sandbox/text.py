"""Count user-perceived characters (UAX 29 grapheme clusters)."""

import regex

_GRAPHEME = regex.compile(r"\X")


def graphemes(text: str) -> int:
    """Return the number of grapheme clusters in a text."""
    return len(_GRAPHEME.findall(text))
