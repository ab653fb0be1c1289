"""Keeping secrets and addresses out of errors and logs, whatever a provider or a library puts there."""

import logging
import re
from collections.abc import Iterable
from urllib.parse import quote

from notifier.domain.providers.discretion import without_addresses

_LONGEST = 300  # characters of a provider's words worth keeping
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_SHORTEST_SECRET = 4  # a shorter one would blank out ordinary words


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Return foreign words fit for a log line: one line, bounded, no addresses, none of our secrets echoed back."""
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "[secret]").replace(quote(secret, safe=""), "[secret]")
    return _CONTROL.sub(" ", without_addresses(text))[:_LONGEST].strip()


def hush(*loggers: str, level: int = logging.INFO) -> None:
    """Keep loggers of libraries from speaking below a level: at DEBUG they write keys, signatures and whole payloads.

    A logger without a level of its own would follow the root's; one that an operator set is only ever raised.
    """
    for name in loggers:
        logger = logging.getLogger(name)
        if logger.level < level:
            logger.setLevel(level)
