"""Keep secrets and addresses in provider and library messages out of errors and logs."""

import logging
import re
from collections.abc import Iterable
from urllib.parse import quote

from notifier.domain.providers.discretion import without_addresses

_LONGEST = 300  # characters of a provider's message to keep
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_SHORTEST_SECRET = 4  # a shorter one would match ordinary words


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Make external text safe for logs: one line, bounded, without addresses and our secrets."""
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "[secret]").replace(quote(secret, safe=""), "[secret]")
    return _CONTROL.sub(" ", without_addresses(text))[:_LONGEST].strip()


def hush(*loggers: str, level: int = logging.INFO) -> None:
    """Raise the level of library loggers: at DEBUG they log keys, signatures and payloads.

    A logger without its own level would inherit the root's; one set by an operator is only raised.
    """
    for name in loggers:
        logger = logging.getLogger(name)
        if logger.level < level:
            logger.setLevel(level)
