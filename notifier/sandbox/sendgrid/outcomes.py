"""Decide the outcome of a mail by a seeded hash of the address, so that runs are repeatable."""

import re
from functools import lru_cache
from hashlib import blake2b
from typing import Literal, get_args

from notifier.sandbox.config import RecipientModel

Outcome = Literal[
    "delivered", "deferred", "bounced", "blocked", "spam_report", "unsubscribed", "delayed_bounce", "dropped"
]
CHOSEN: tuple[Outcome, ...] = ("deferred", "bounced", "blocked", "spam_report", "unsubscribed", "delayed_bounce")


class Fortune:
    """Decides outcomes by a `RecipientModel`."""

    def __init__(self, model: RecipientModel) -> None:
        self._model = model
        self._rates = [(outcome, getattr(model, outcome)) for outcome in CHOSEN]
        self._quiet = not any(rate for _, rate in self._rates)
        self._word = _word_pattern(tuple(model.by_word))

    def special(self, joined: str) -> bool:
        """Whether any of these addresses (lower case, separated by spaces) may not be delivered."""
        return not self._quiet or self._word.search(joined) is not None

    def outcome(self, address: str) -> Outcome:
        """Return the outcome of mail to a lower-case address."""
        if found := self._word.match(address):
            named = self._model.by_word[found["word"]]
            return next((outcome for outcome in get_args(Outcome) if outcome == named), "delivered")
        if self._quiet:
            return "delivered"
        digest = blake2b(address.encode(), digest_size=8, key=str(self._model.seed).encode()).digest()
        point = int.from_bytes(digest) / 2**64
        for outcome, rate in self._rates:
            if point < rate:
                return outcome
            point -= rate
        return "delivered"


@lru_cache(maxsize=16)
def _word_pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    if not words:
        return re.compile(r"(?!)(?P<word>)")
    longest_first = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.compile(rf"(?<!\S)(?P<word>{longest_first})(?=[-+.@\d])")
