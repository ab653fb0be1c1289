"""The typeface of the cards: its coverage, and fitting text into a box. Sizes in pixels."""

import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import regex
from PIL import ImageFont

from notifier.rendering.text.sanitize import ELLIPSIS

_FONTS = Path(__file__).parent / "fonts"
# The characters of both font files, which are subsets (fonts/README.md).
COVERED = regex.compile(
    r"[\u0020-\u007e\u00a0-\u0148\u014a-\u01c3\u01c5-\u024f\u0259\u02bc\u02c6-\u02dd\u0370-\u0377\u037a-\u037f\u0384-\u038a\u038c"
    r"\u038e-\u03a1\u03a3-\u03e1\u03f0-\u045f\u0490\u0491\u04d8\u04d9\u1e00-\u1eff\u2010-\u2027\u2030-\u203a\u20ac\u2116\u2122"
    r"\u2190-\u2193\u2212\u2248\u2260\u2264\u2265]"
)
_ORNAMENTS = frozenset({"So", "Sk", "Cf", "Mn", "Co", "Cn"})  # dropped: emoji, modifiers, joiners
_BLANKS = regex.compile(r"\s+")

Font = ImageFont.FreeTypeFont


@cache
def font(size: int, *, strong: bool = False) -> Font:
    """Return the font in a size, with Pillow's basic layout: Raqm is not installed everywhere."""
    name = "Inter-SemiBold.otf" if strong else "Inter-Regular.otf"
    return ImageFont.truetype(_FONTS / name, size, layout_engine=ImageFont.Layout.BASIC)


def plain(text: str) -> str:
    """Return the text as drawn: NFC, without emoji."""
    composed = unicodedata.normalize("NFC", text)
    kept = (sign for sign in composed if COVERED.match(sign) or unicodedata.category(sign) not in _ORNAMENTS)
    return _BLANKS.sub(" ", "".join(kept)).strip()


def can_write(text: str) -> bool:
    """Whether the typeface has every character of a text returned by `plain`."""
    return all(COVERED.match(sign) for sign in text)


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of one font size that fit their box."""

    lines: tuple[str, ...]
    font: Font


def fit(text: str, sizes: tuple[int, ...], *, width: int, lines: int, strong: bool = False) -> Block:
    """Set a text in the largest size that fits; if none does, cut it in the smallest.

    Args:
        text: As returned by `plain`.
        sizes: Font sizes, largest first.
        width: Width of the box.
        lines: Maximum number of lines.
        strong: Use the heavier weight.
    """
    for size in sizes:
        face = font(size, strong=strong)
        broken = _broken(text, face, width)
        if len(broken) <= lines:
            return Block(tuple(broken), face)
    face = font(sizes[-1], strong=strong)
    broken = _broken(text, face, width)
    rest = " ".join(broken[lines - 1 :])
    return Block((*broken[: lines - 1], _cut(rest, face, width)), face)


def _broken(text: str, face: Font, width: int) -> list[str]:
    """Break into lines between words, and within words wider than the box."""
    result, line = [], ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if face.getlength(longer) <= width:
            line = longer
            continue
        if line:
            result.append(line)
        while face.getlength(word) > width:
            head = _head(word, face, width)
            result.append(head)
            word = word[len(head) :]  # noqa: PLW2901 - the rest of the word begins the next line
        line = word
    return [*result, line] if line or not result else result


def _cut(text: str, face: Font, width: int) -> str:
    """Return the longest prefix that fits with an ellipsis, cut between words if possible."""
    if face.getlength(text) <= width:
        return text
    head = _head(text, face, width - int(face.getlength(ELLIPSIS)) - 1)
    at_word = head.rpartition(" ")[0]
    cut = (at_word or head).rstrip(" ,;:-\u2013\u2014") + ELLIPSIS
    return cut if face.getlength(cut) <= width else ELLIPSIS  # the box is too narrow for any letter


def _head(text: str, face: Font, width: int) -> str:
    end = 1
    while end < len(text) and face.getlength(text[: end + 1]) <= width:
        end += 1
    return text[:end]
