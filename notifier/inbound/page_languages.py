"""Texts of a status page that hold several languages -> one text per language."""

import re
from collections.abc import Sequence

from notifier.domain.proposals.page_languages import MarkedLanguage

_BETWEEN = re.compile(r"\s+(?:/{1,2}|\|)\s+")  # between the languages of a title
_SEPARATOR = re.compile(r"[-*_=/|\\\u2013\u2014 \t]*")  # a line that only separates, or is blank
_OPEN, _CLOSE = r"(?P<open>[*_]*)(?:\\?[\[(])?", r"(?:\\?[\])])?(?P<close>[*_]*)"
_AFTER = r"[ \t]*(?:[:|]|\\?[-\u2013\u2014](?=[\s*_]))(?P<late>[*_]*)"


def split_languages(text: str, languages: Sequence[MarkedLanguage]) -> dict[str, str]:
    """Return the parts of a Markdown text by locale; text without a mark is in the first language.

    A mark stands at the start of a line, bold or in brackets or not, before a colon or a dash, or
    alone on its line. If none does, one that follows the end of a sentence and has a colon counts.
    """
    found = _marks(text, languages, inline=False) or _marks(text, languages[1:], inline=True)
    starts = [(0, 0, languages[0].locale, ""), *found]
    ends = [start for start, *_ in starts[1:]] + [len(text)]
    parts: dict[str, list[str]] = {}
    for (_, begin, locale, prefix), end in zip(starts, ends, strict=True):
        if part := _trimmed(text[begin:end]):
            parts.setdefault(locale, []).append(prefix + part)
    return {locale: "\n\n".join(texts) for locale, texts in parts.items()}


def split_title(title: str, languages: Sequence[MarkedLanguage]) -> dict[str, str]:
    """Return a title by locale: split at its marks, or at as many separators as languages need."""
    parts = [part.strip() for part in _BETWEEN.split(title)]
    if len(parts) == len(languages) and all(parts):
        halves = {language.locale: part for language, part in zip(languages, parts, strict=True)}
        return {locale: _unmarked(part, languages) for locale, part in halves.items()}
    return split_languages(title, languages)


def _unmarked(part: str, languages: Sequence[MarkedLanguage]) -> str:
    return next(iter(split_languages(part, languages).values()), part)


def _marks(text: str, languages: Sequence[MarkedLanguage], *, inline: bool) -> list[tuple[int, int, str, str]]:
    """Find the marks: where each stands, where its text begins, its language, and what goes before its text."""
    found = []
    for language in languages:
        pattern = _inline(language.mark) if inline else _at_line_start(language.mark)
        found += [
            (mark.start(), mark.end(), language.locale, _carried(mark, text))
            for mark in re.finditer(pattern, text, re.MULTILINE)
        ]
    return sorted(found)


def _at_line_start(mark: str) -> str:
    word = re.escape(mark)
    if not re.search(r"\w", mark):
        return rf"^[ \t]*\\?{word}(?P<block>)(?P<open>)(?P<close>)(?P<late>)(?P<tail>)[ \t]*$"
    behind = rf"{_CLOSE}(?:{_AFTER}|[ \t]*$)|(?<=\w)\\?[\])](?P<tail>[*_]*)[ \t]"
    return rf"^[ \t]*(?P<block>(?:#+|>)[ \t]*)?{_OPEN}{word}(?:{behind})"


def _inline(mark: str) -> str:
    behind = r"(?P<block>)(?<=[.!?\u2026/|\u2013\u2014-])[ \t]+"
    return rf"{behind}{_OPEN}{re.escape(mark)}{_CLOSE}[ \t]*:(?P<late>[*_]*)(?P<tail>)"


def _carried(mark: re.Match[str], text: str) -> str:
    """Return the marks of Markdown that the text behind a mark needs: a heading's, or bold that goes on."""
    goes_on = mark["open"] and not (mark["close"] or mark["late"] or mark["tail"])
    has_text = bool(text[mark.end() :].partition("\n")[0].strip())
    return ((mark["block"] or "") + (mark["open"] if goes_on else "")) if has_text else ""


def _trimmed(text: str) -> str:
    """Return a part without blank lines, lines that only separate, and a separator at its end."""
    lines = text.split("\n")
    while lines and _SEPARATOR.fullmatch(lines[0]):
        del lines[0]
    while lines and _SEPARATOR.fullmatch(lines[-1]):
        del lines[-1]
    whole = "\n".join(lines).strip()
    bare = whole.rstrip("-/|\u2013\u2014")
    return bare.rstrip() if bare[-1:].isspace() else whole
