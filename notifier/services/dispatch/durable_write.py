"""Writing down what was done, also when the database is away: an answer that is known must not be forgotten."""

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
    """The process ends while the database is away; what was known is in a note, for whoever comes next."""


@dataclass(frozen=True)
class RetryingTransaction:
    """Repeats a short transaction while the database is away, for as long as the process lives.

    A provider has taken a message and said so: were that forgotten because a server restarts, the message would go out
    again. Meanwhile the outcome stands in a note, should the process die too.

    Attributes:
        stopping: Set when the process is to end.
        notes: Where outcomes are noted; None in command lines and tests.
        pause: Waits so many seconds; returns whether the process is to end.
    """

    stopping: threading.Event = field(default_factory=threading.Event)
    notes: OutcomeJournal | None = None
    pause: Callable[[float], bool] | None = None

    def run(
        self, database: Database, write: Callable[[Connection], Written], known: KnownOutcome | None = None
    ) -> Written:
        """Run `write` in a transaction of its own; it must be safe to run again, should a commit have gone unanswered.

        `known` is what `write` writes, to be noted meanwhile.

        Raises:
            NotRecordedError: the process ends, and the database is still away.
        """
        noted = self.notes.keep(known) if self.notes is not None and known is not None else nullcontext()
        with noted:
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
