"""What X counts as one emoji: the sequences in Twemoji (Unicode emoji sequences, UTS 51).

X counts the parts of any other sequence separately.
"""

import regex

_COUNTRIES = {  # ISO 3166 codes by first letter
    "A": "CDEFGILMOQRSTUWXZ",
    "B": "ABDEFGHIJLMNOQRSTVWYZ",
    "C": "ACDFGHIKLMNOPRUVWXYZ",
    "D": "EGJKMOZ",
    "E": "ACEGHRSTU",
    "F": "IJKMOR",
    "G": "ABDEFGHILMNPQRSTUWY",
    "H": "KMNRTU",
    "I": "CDELMNOQRST",
    "J": "EMOP",
    "K": "EGHIMNPRWYZ",
    "L": "ABCIKRSTUVY",
    "M": "ACDEFGHKLMNOPQRSTUVWXYZ",
    "N": "ACEFGILOPRUZ",
    "O": "M",
    "P": "AEFGHKLMNRSTWY",
    "Q": "A",
    "R": "EOSUW",
    "S": "ABCDEGHIJKLMNORSTVXYZ",
    "T": "ACDFGHJKLMNORTVWZ",
    "U": "AGMNSYZ",
    "V": "ACEGINU",
    "W": "FS",
    "X": "K",
    "Y": "ET",
    "Z": "AMW",
}
_FLAGS = "|".join(
    "".join(chr(0x1F1E6 + ord(letter) - ord("A")) for letter in first + second)
    for first, seconds in _COUNTRIES.items()
    for second in seconds
)
_REGIONS = "|".join(
    "\U0001f3f4" + "".join(chr(0xE0000 + ord(letter)) for letter in code) + "\U000e007f"
    for code in ("gbeng", "gbsct", "gbwls")
)
_TONE = r"[\U0001F3FB-\U0001F3FF]?"
_V = r"\uFE0F?"
_ZWJ = r"\u200D"
_ADULT = rf"[👨👩🧑]{_TONE}"
_ROLE = rf"(?:[⚕⚖✈]{_V}|[🌾🍳🍼🎄🎓🎤🎨🏫🏭💻💼🔧🔬🚀🚒🦰🦱🦲🦳]|[🦯🦼🦽](?:{_ZWJ}➡{_V})?)"
_GENDERED = r"[⛹🏃🏄🏊🏋🏌👮👯👰👱👳👷💁💂💆💇🕵🙅🙆🙇🙋🙍🙎🚣🚴🚵🚶🤦🤵🤷🤸🤹🤼🤽🤾🤿🦸🦹🧍🧎🧏🧔🧖🧗🧘🧙🧚🧛🧜🧝🧞🧟]"
_JOINED = (
    "🏳\ufe0f\u200d🌈",
    "🏳\u200d🌈",
    "🏳\ufe0f\u200d⚧\ufe0f",
    "🏴\u200d☠\ufe0f",
    "👁\ufe0f\u200d🗨\ufe0f",
    "👁\u200d🗨",
    "🐕\u200d🦺",
    "🐈\u200d⬛",
    "🐻\u200d❄\ufe0f",
    "🐦\u200d⬛",
    "🐦\u200d🔥",
    "😮\u200d💨",
    "😵\u200d💫",
    "😶\u200d🌫\ufe0f",
    "❤\ufe0f\u200d🔥",
    "❤\ufe0f\u200d🩹",
    "⛓\ufe0f\u200d💥",
    "🍋\u200d🟩",
    "🍄\u200d🟫",
    "🙂\u200d↔\ufe0f",
    "🙂\u200d↕\ufe0f",
)

_SEQUENCES = (
    rf"{_ADULT}{_ZWJ}❤{_V}{_ZWJ}(?:💋{_ZWJ})?{_ADULT}",  # couples
    rf"{_ADULT}{_ZWJ}🤝{_ZWJ}{_ADULT}",  # holding hands
    rf"[👨👩](?:{_ZWJ}[👨👩])?(?:{_ZWJ}[👧👦]){{1,2}}",  # families
    rf"🧑(?:{_ZWJ}🧑)?(?:{_ZWJ}🧒){{1,2}}",
    rf"🫱[🏻-🏿]{_ZWJ}🫲[🏻-🏿]",
    rf"{_ADULT}{_ZWJ}{_ROLE}",
    rf"{_GENDERED}{_TONE}{_V}{_ZWJ}[♀♂]{_V}(?:{_ZWJ}➡{_V})?",
    rf"[🏃🚶🧎]{_TONE}{_ZWJ}➡{_V}",
    "|".join(_JOINED),
    _REGIONS,
    _FLAGS,
    rf"[0-9#*]{_V}\u20E3",  # keycaps
    r"[©®]\uFE0F",
    r"\p{Emoji_Modifier_Base}\uFE0F?[\U0001F3FB-\U0001F3FF]",
    r"[\p{Emoji}--[0-9#*©®\U0001F1E6-\U0001F1FF]](?:\uFE0F|(?!\uFE0E))",
)
EMOJI = regex.compile("|".join(_SEQUENCES), regex.V1)
