"""Writing down what was done, also when the database is away for a moment: an answer must not be forgotten."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from sqlalchemy import Connection

from notifier.domain.errors import UnavailableError
from notifier.storage.engine import Database

Written = TypeVar("Written")
_log = logging.getLogger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
# What is left of a lease after the longest request, and as long as a drain may take.
PATIENCE = timedelta(seconds=20)


@dataclass(frozen=True)
class Patience:
    """Repeats a short transaction while the database is away.

    A provider has taken a message and said so: were that forgotten because a server restarts, the message would go out
    again when its lease ends.
    """

    patience: timedelta = PATIENCE
    seconds: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep

    def __call__(self, database: Database, write: Callable[[Connection], Written]) -> Written:
        """Run `write` in a transaction of its own; it must be safe to run again, should a commit have gone unanswered.

        Raises:
            UnavailableError: the database stayed away for longer than patience lasts.
        """
        until, wait = self.seconds() + self.patience.total_seconds(), _FIRST_PAUSE
        while True:
            try:
                with database.write() as connection:
                    return write(connection)
            except UnavailableError as error:
                if self.seconds() + wait > until:
                    raise
                _log.warning("outcome waits for the database", extra={"error": str(error), "again_in": wait})
            self.pause(wait)
            wait = min(wait * 2, _LONGEST_PAUSE)
