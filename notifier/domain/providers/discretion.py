"""Remove recipients' addresses from provider messages: those are stored for months and shown."""

import re
from collections.abc import Collection, Iterable

_MARK = "[address]"
# A single character class per word, so that matching stays linear on any text.
_PIECE = re.compile(r"[^\s<>\"':;,()\[\]]+")
_WORD = re.compile(r"[\w.+-]+")
_SIGNS = ("@", "%40", "=40")  # in text, in URLs, and in quoted-printable
_SHORTEST = 3  # characters of a local part; a shorter one would blank out ordinary words


def local_parts(addresses: Iterable[str]) -> frozenset[str]:
    """Return the local part of each address, in the form `without_addresses` compares."""
    found = (address.rpartition("@")[0].casefold() for address in addresses)
    return frozenset(part for part in found if len(part) >= _SHORTEST)


def _hide_address(piece: re.Match[str]) -> str:
    is_address = any(0 < piece[0].find(sign) < len(piece[0]) - len(sign) for sign in _SIGNS)
    return _MARK if is_address else piece[0]


def without_addresses(text: str, known: Collection[str] = ()) -> str:
    """Return a text without email addresses and without the words in `known` (see `local_parts`)."""
    if any(sign in text for sign in _SIGNS):
        text = _PIECE.sub(_hide_address, text)
    if not known:
        return text

    def hidden(word: re.Match[str]) -> str:
        bare = word[0].strip(".-+")
        return word[0].replace(bare, _MARK) if bare.casefold() in known else word[0]

    return _WORD.sub(hidden, text)
