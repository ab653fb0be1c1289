"""Texts made to fit: cut at a sentence where that wastes little, else at a word; never inside a link or a grapheme."""

from bisect import bisect_right
from collections.abc import Callable, Sequence

import regex

from notifier.rendering.text.sanitize import ELLIPSIS

ENOUGH = 0.9  # of the limit: a cut that leaves more unused is not taken while a better one exists

# A full stop after one or two digits is a German or Dutch ordinal (`21. Juni`), not an end.
_SENTENCE_END = regex.compile(
    r"(?:(?<!\b\d{1,2})\.|[!?\u2026])[\"'\u201d\u2019\u00bb)\]]*(?=\s|$)|[\u3002\uff01\uff1f]|\n"
)
_WORD_END = regex.compile(r"\S(?=\s|$)")
# Scripts that write no blanks between words: a cut between any two of their graphemes is no worse than another.
_UNSPACED = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\u3000-\u303f\uff00-\uff60]"
)
_GRAPHEME = regex.compile(r"\X")
_DANGLING = " \t\n,;:\u2013\u2014-(["

Span = tuple[int, int]


def shorten(text: str, whole: Sequence[Span], used: Callable[[str], float]) -> str:
    """Return the longest good beginning of `text`, with an ellipsis.

    Args:
        text: What does not fit.
        whole: Links, as (start, end) in code points: never cut inside.
        used: The share of the limit that a message with this text takes (it may put more around it).
    """
    graphemes = [end for end in _ends(_GRAPHEME, text) if not _inside(end, whole)]
    word_ends, allowed = _word_ends(text), frozenset(graphemes)
    by_word = _last_that_fits(text, [end for end in graphemes if end in word_ends], used)
    at_sentence = _last_sentence(text, by_word or 0, allowed, used)
    if at_sentence is not None:
        return at_sentence
    if by_word is None or used(_ended(text, by_word)) < ENOUGH:
        start = by_word or 0  # the next word is longer than a tenth of the limit, so it is none
        by_grapheme = _last_that_fits(text, [end for end in graphemes if end > start], used)
        return _ended(text, max(start, by_grapheme or 0))
    return _ended(text, by_word)


def _last_sentence(text: str, before: int, allowed: frozenset[int], used: Callable[[str], float]) -> str | None:
    """The beginning that ends with a whole sentence and leaves little unused, if there is one."""
    for match in reversed(list(_SENTENCE_END.finditer(text, 0, before))):
        candidate = _ended(text, match.end(), joint=" ")
        share = used(candidate)
        if share < ENOUGH:
            return None
        if share <= 1.0 and match.end() in allowed:
            return candidate
    return None


def _ended(text: str, end: int, joint: str = "") -> str:
    """Cut and say that there is more; a sentence keeps its full stop and gets the ellipsis apart."""
    head = text[:end].rstrip() if joint else text[:end].rstrip(_DANGLING)
    return f"{head}{joint}{ELLIPSIS}" if head else ELLIPSIS


def _last_that_fits(text: str, ends: list[int], used: Callable[[str], float]) -> int | None:
    """Binary search: a longer beginning never takes less."""
    index = bisect_right(ends, False, key=lambda end: used(_ended(text, end)) > 1.0)
    return ends[index - 1] if index else None


def _ends(pattern: "regex.Pattern[str]", text: str) -> list[int]:
    return [match.end() for match in pattern.finditer(text)]


def _word_ends(text: str) -> frozenset[int]:
    unspaced = (end for match in _UNSPACED.finditer(text) for end in match.span())
    return frozenset(_ends(_WORD_END, text)).union(unspaced)


def _inside(position: int, spans: Sequence[Span]) -> bool:
    return any(start < position < end for start, end in spans)
