"""Shorten text: at a sentence end near the limit, else at a word; never in a link or grapheme."""

from bisect import bisect_right
from collections.abc import Callable, Sequence

import regex

from notifier.rendering.text.sanitize import ELLIPSIS

ENOUGH = 0.9  # of the limit: prefer any other cut to one that uses less

# A full stop after one or two digits is a German or Dutch ordinal (`21. Juni`), not a sentence end.
_SENTENCE_END = regex.compile(
    r"(?:(?<!\b\d{1,2})\.|[!?\u2026])[\"'\u201d\u2019\u00bb)\]]*(?=\s|$)|[\u3002\uff01\uff1f]|\n"
)
_WORD_END = regex.compile(r"\S(?=\s|$)")
# Scripts without spaces between words: a cut between any two graphemes is as good as any other.
_UNSPACED = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\u3000-\u303f\uff00-\uff60]"
)
_GRAPHEME = regex.compile(r"\X")
_DANGLING = " \t\n,;:\u2013\u2014-(["

Span = tuple[int, int]


def shorten(text: str, whole: Sequence[Span], used: Callable[[str], float]) -> str:
    """Return the longest good prefix of `text`, with an ellipsis.

    Args:
        text: A text that does not fit.
        whole: Links, as (start, end) in code points; never cut inside.
        used: Returns the fraction of the limit that a message with this text uses, frame included.
    """
    graphemes = [end for end in _ends(_GRAPHEME, text) if not _inside(end, whole)]
    word_ends, allowed = _word_ends(text), frozenset(graphemes)
    by_word = _last_that_fits(text, [end for end in graphemes if end in word_ends], used)
    at_sentence = _last_sentence(text, by_word or 0, allowed, used)
    if at_sentence is not None:
        return at_sentence
    if by_word is None or used(_ended(text, by_word)) < ENOUGH:
        start = by_word or 0  # the next "word" is over a tenth of the limit, so cut inside it
        by_grapheme = _last_that_fits(text, [end for end in graphemes if end > start], used)
        return _ended(text, max(start, by_grapheme or 0))
    return _ended(text, by_word)


def _last_sentence(text: str, before: int, allowed: frozenset[int], used: Callable[[str], float]) -> str | None:
    """Return a prefix of whole sentences that leaves little unused, or None."""
    for match in reversed(list(_SENTENCE_END.finditer(text, 0, before))):
        candidate = _ended(text, match.end(), joint=" ")
        share = used(candidate)
        if share < ENOUGH:
            return None
        if share <= 1.0 and match.end() in allowed:
            return candidate
    return None


def _ended(text: str, end: int, joint: str = "") -> str:
    """Cut and add an ellipsis; a sentence keeps its full stop, with `joint` before the ellipsis."""
    head = text[:end].rstrip() if joint else text[:end].rstrip(_DANGLING)
    return f"{head}{joint}{ELLIPSIS}" if head else ELLIPSIS


def _last_that_fits(text: str, ends: list[int], used: Callable[[str], float]) -> int | None:
    """Return the last end that fits, by binary search: a longer prefix never uses less."""
    index = bisect_right(ends, False, key=lambda end: used(_ended(text, end)) > 1.0)
    return ends[index - 1] if index else None


def _ends(pattern: "regex.Pattern[str]", text: str) -> list[int]:
    return [match.end() for match in pattern.finditer(text)]


def _word_ends(text: str) -> frozenset[int]:
    unspaced = (end for match in _UNSPACED.finditer(text) for end in match.span())
    return frozenset(_ends(_WORD_END, text)).union(unspaced)


def _inside(position: int, spans: Sequence[Span]) -> bool:
    return any(start < position < end for start, end in spans)
