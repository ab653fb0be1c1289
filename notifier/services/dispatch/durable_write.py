"""Write known outcomes even while the database is unavailable."""

import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TypeVar

from notifier.domain.errors import UnavailableError
from notifier.observability import get_logger
from notifier.services.dispatch.outcome_journal import KnownOutcome, OutcomeJournal
from notifier.storage.database import Connection
from notifier.storage.database.engine import Database

Written = TypeVar("Written")
_log = get_logger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0


class NotRecordedError(UnavailableError):
    """The process stops while the database is unavailable; the journal keeps the outcome."""


@dataclass(eq=False)
class RetryingTransaction:
    """Retries a short transaction while the database is unavailable, until the process stops.

    If an outcome were dropped because a server restarts, a message that the provider has accepted
    would be sent again. The journal keeps the outcome in case this process dies meanwhile.

    Attributes:
        stopping: Set when the process must stop.
        notes: The outcome journal; None in command lines and tests.
        pause: Waits for a number of seconds; returns whether the process must stop.
    """

    stopping: threading.Event = field(default_factory=threading.Event)
    notes: OutcomeJournal | None = None
    pause: Callable[[float], bool] | None = None

    def run(
        self, database: Database, write: Callable[[Connection], Written], known: KnownOutcome | None = None
    ) -> Written:
        """Run `write` in its own transaction; it must be idempotent, as a commit may go unanswered.

        `known` is the outcome that `write` records, for the journal.

        Raises:
            NotRecordedError: the process stops and the database is still unavailable.
        """
        journaled = self.notes.keep(known) if self.notes is not None and known is not None else nullcontext()
        with journaled:
            return self._until_written(database, write)

    def _until_written(self, database: Database, write: Callable[[Connection], Written]) -> Written:
        wait, ends = _FIRST_PAUSE, False
        while True:
            try:
                with database.write() as connection:
                    return write(connection)
            except UnavailableError as error:
                if ends:
                    raise NotRecordedError(str(error)) from error
                _log.warning("outcome_write_delayed", error=str(error), retry_in=wait)
                if self.notes is not None:
                    self.notes.write_down()
            ends = (self.pause or self.stopping.wait)(wait)
            wait = min(wait * 2, _LONGEST_PAUSE)
