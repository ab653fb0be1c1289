"""The typeface of the cards: which texts it can write, and how they are made to fit a box. Sizes in pixels."""

import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import regex
from PIL import ImageFont

from notifier.rendering.text.sanitize import ELLIPSIS

_FONTS = Path(__file__).parent / "fonts"
# What both files hold (fonts/README.md), by the ranges they were cut to.
COVERED = regex.compile(
    r"[\u0020-\u007e\u00a0-\u0148\u014a-\u01c3\u01c5-\u024f\u0259\u02bc\u02c6-\u02dd\u0370-\u0377\u037a-\u037f\u0384-\u038a\u038c"
    r"\u038e-\u03a1\u03a3-\u03e1\u03f0-\u045f\u0490\u0491\u04d8\u04d9\u1e00-\u1eff\u2010-\u2027\u2030-\u203a\u20ac\u2116\u2122"
    r"\u2190-\u2193\u2212\u2248\u2260\u2264\u2265]"
)
_ORNAMENTS = frozenset({"So", "Sk", "Cf", "Mn", "Co", "Cn"})  # emoji, their modifiers and joiners: dropped, not drawn
_BLANKS = regex.compile(r"\s+")

Font = ImageFont.FreeTypeFont


@cache
def font(size: int, *, strong: bool = False) -> Font:
    """The typeface in a size. Laid out by Pillow's own engine: the other one is not on every machine."""
    name = "Inter-SemiBold.otf" if strong else "Inter-Regular.otf"
    return ImageFont.truetype(_FONTS / name, size, layout_engine=ImageFont.Layout.BASIC)


def plain(text: str) -> str:
    """Return the text as it is drawn: composed, without emoji."""
    composed = unicodedata.normalize("NFC", text)
    kept = (sign for sign in composed if COVERED.match(sign) or unicodedata.category(sign) not in _ORNAMENTS)
    return _BLANKS.sub(" ", "".join(kept)).strip()


def can_write(text: str) -> bool:
    """Whether the typeface has every letter of a text that `plain` returned."""
    return all(COVERED.match(sign) for sign in text)


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of one size that fit their box."""

    lines: tuple[str, ...]
    font: Font


def fit(text: str, sizes: tuple[int, ...], *, width: int, lines: int, strong: bool = False) -> Block:
    """Set a text in the largest size whose lines fit; in the smallest one it is cut where it does not.

    Args:
        text: As `plain` returned it.
        sizes: Largest first.
        width: Of the box.
        lines: How many there may be.
        strong: In the heavier weight.
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
    """Break into lines between words; a word that is wider than the box is broken too."""
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
            word = word[len(head) :]  # noqa: PLW2901 - the rest of the word is what the next line begins with
        line = word
    return [*result, line] if line or not result else result


def _cut(text: str, face: Font, width: int) -> str:
    """Return the beginning that fits with an ellipsis, ending with a whole word where there is one."""
    if face.getlength(text) <= width:
        return text
    head = _head(text, face, width - int(face.getlength(ELLIPSIS)) - 1)
    at_word = head.rpartition(" ")[0]
    cut = (at_word or head).rstrip(" ,;:-\u2013\u2014") + ELLIPSIS
    return cut if face.getlength(cut) <= width else ELLIPSIS  # a box too narrow for one letter beside it


def _head(text: str, face: Font, width: int) -> str:
    end = 1
    while end < len(text) and face.getlength(text[: end + 1]) <= width:
        end += 1
    return text[:end]
