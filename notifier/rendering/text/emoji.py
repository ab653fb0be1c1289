"""What counts as one emoji: the sequences recommended for interchange (UTS 51), as in Twemoji.

X counts any other joined sequence by its members. The pattern has families of sequences instead of
a list: the families have been stable since Emoji 12, the list has 3,700 lines.
"""

from functools import cache

import regex
from babel import Locale

_TONE = r"\p{Emoji_Modifier}?"
_JOIN, _VARIANT = r"\u200d", r"\ufe0f?"
_ADULT = rf"[\U0001f468\U0001f469\U0001f9d1]{_TONE}"  # man, woman, person
_CHILD = r"[\U0001f466\U0001f467\U0001f9d2]"
_ROLE = (
    r"(?:[\u2695\u2696\u2708]\ufe0f?"  # health, justice, flight
    r"|[\U0001f33e\U0001f373\U0001f37c\U0001f384\U0001f393\U0001f3a4\U0001f3a8\U0001f3eb\U0001f3ed\U0001f4bb"
    r"\U0001f4bc\U0001f527\U0001f52c\U0001f680\U0001f692\U0001f9b0-\U0001f9b3\U0001f9af\U0001f9bc\U0001f9bd])"
)
_PAIRS = (  # individual sequences, joined by U+200D
    "\U0001f3f3\ufe0f \U0001f308|\U0001f3f3 \U0001f308|\U0001f3f3\ufe0f \u26a7\ufe0f|\U0001f3f4 \u2620\ufe0f|"
    "\U0001f441\ufe0f \U0001f5e8\ufe0f|\U0001f441 \U0001f5e8|\U0001f415 \U0001f9ba|\U0001f408 \u2b1b|"
    "\U0001f43b \u2744\ufe0f|\U0001f426 \u2b1b|\U0001f426 \U0001f525|\U0001f62e \U0001f4a8|\U0001f635 \U0001f4ab|"
    "\U0001f636 \U0001f32b\ufe0f|\u2764\ufe0f \U0001f525|\u2764\ufe0f \U0001fa79|\u26d3\ufe0f \U0001f4a5|"
    "\U0001f34b \U0001f7e9|\U0001f344 \U0001f7eb|\U0001f642 \u2194\ufe0f|\U0001f642 \u2195\ufe0f"
).replace(" ", "\u200d")
_REGIONS = (  # England, Scotland, Wales
    r"\U0001f3f4\U000e0067\U000e0062(?:\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074"
    r"|\U000e0077\U000e006c\U000e0073)\U000e007f"
)
_TERRITORY = regex.compile(r"[A-Z]{2}")
_TEXT_BY_DEFAULT = r"(?:(?![0-9#*\u00a9\u00ae\u2122])(?!\p{Emoji_Presentation})\p{Emoji})"


@cache
def emoji_pattern() -> "regex.Pattern[str]":
    """Return the pattern of one emoji, longest sequences first."""
    families = (
        rf"{_ADULT}{_JOIN}\u2764{_VARIANT}{_JOIN}(?:\U0001f48b{_JOIN})?{_ADULT}",  # couples
        rf"{_ADULT}{_JOIN}\U0001f91d{_JOIN}{_ADULT}",  # holding hands
        rf"{_ADULT}(?:{_JOIN}{_ADULT})?(?:{_JOIN}{_CHILD}){{1,2}}",  # families
        rf"{_ADULT}{_JOIN}{_ROLE}",
        rf"\p{{Emoji}}(?:\p{{Emoji_Modifier}}|\ufe0f)?{_JOIN}[\u2640\u2642]{_VARIANT}",  # gendered
        _PAIRS,
        "|".join(_flags()),
        _REGIONS,
        r"[0-9#*]\ufe0f?\u20e3",  # keycaps
        r"[\u00a9\u00ae\u2122]\ufe0f",
        r"\p{Emoji_Modifier_Base}\p{Emoji_Modifier}",
        rf"{_TEXT_BY_DEFAULT}\ufe0f?",
        r"[\u203c-\u3299]\ufe0f",
        r"\p{Emoji_Presentation}",
    )
    return regex.compile("|".join(families))


def _flags() -> list[str]:
    """Return the pairs of regional indicators that form a flag: CLDR's territories."""
    codes = [str(code) for code in Locale("en").territories]
    return [
        "".join(chr(0x1F1E6 + ord(letter) - ord("A")) for letter in code)
        for code in sorted(codes)
        if _TERRITORY.fullmatch(code)
    ]
