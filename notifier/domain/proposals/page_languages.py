"""The languages that a status page writes side by side in one text, and the marks between them."""

import re
from collections.abc import Sequence
from typing import NamedTuple

_GIVEN = re.compile(r"([A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)=(.+)")
_DERIVED = re.compile(r"[^A-Za-z]*([A-Za-z]{2,3})[^A-Za-z]*")


class MarkedLanguage(NamedTuple):
    """A language and the mark before its text, without the punctuation around it."""

    locale: str
    mark: str


def marked_languages(written: Sequence[str]) -> tuple[MarkedLanguage, ...]:
    """Read the key `languages` of a source: the first language, then the marks before the others.

    `["nl", "EN:"]` means nl, then en. A mark that is no language code gives its language before a
    `=`: `"en=In English:"`. The first language may be marked too, by its code.

    Raises:
        ValueError: A mark names no language, or two name the same one.
    """
    if not written:
        return ()
    first, *others = written
    found = [MarkedLanguage(first, first.partition("-")[0].upper()), *map(_marked, others)]
    if len({language.locale for language in found}) < len(found):
        raise ValueError("names a language twice")
    return tuple(found)


def _marked(text: str) -> MarkedLanguage:
    if given := _GIVEN.fullmatch(text):
        return MarkedLanguage(given[1], _bare(given[2]))
    derived = _DERIVED.fullmatch(text)
    if derived is None:
        raise ValueError(f'{text!r} names no language; write it before the mark, such as "en={text}"')
    return MarkedLanguage(derived[1].lower(), derived[1])


def _bare(mark: str) -> str:
    """Return a mark without the punctuation around its words; one without words as it is."""
    return re.sub(r"^[\W_]+|[\W_]+$", "", mark) or mark.strip()
