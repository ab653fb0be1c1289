"""Writing down what was done while the database comes and goes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from sqlalchemy import Connection

from notifier.domain.errors import UnavailableError
from notifier.services.dispatch.durable_write import NotRecordedError, RetryingTransaction
from notifier.storage.database.engine import Database


@dataclass
class Ledger:
    """Is away for so many transactions; after so many pauses the process is to end."""

    away: int
    stops_after: int = 1_000_000
    pauses: list[float] = field(default_factory=list)
    written: list[str] = field(default_factory=list)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        if self.away:
            self.away -= 1
            raise UnavailableError("database: gone")
        yield cast("Connection", self)

    def pause(self, seconds: float) -> bool:
        self.pauses.append(seconds)
        return len(self.pauses) >= self.stops_after

    def transaction(self) -> RetryingTransaction:
        return RetryingTransaction(pause=self.pause)


def written(ledger: Ledger, transaction: RetryingTransaction) -> Any:
    def write(_connection: Connection) -> str:
        ledger.written.append("accepted")
        return "done"

    return transaction.run(cast("Database", ledger), write)


def test_an_outcome_is_written_once_the_database_is_back_with_growing_pauses() -> None:
    ledger = Ledger(away=6)
    assert written(ledger, ledger.transaction()) == "done"
    assert ledger.written == ["accepted"]
    assert ledger.pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0]


def test_patience_lasts_as_long_as_the_process() -> None:
    ledger = Ledger(away=2_000)
    assert written(ledger, ledger.transaction()) == "done"
    assert sum(ledger.pauses) > 3600


def test_a_process_that_ends_looks_once_more_and_lets_go() -> None:
    ledger = Ledger(away=10_000, stops_after=3)
    with pytest.raises(NotRecordedError):
        written(ledger, ledger.transaction())
    assert (ledger.written, len(ledger.pauses)) == ([], 3)
    last_look = Ledger(away=3, stops_after=3)
    assert written(last_look, last_look.transaction()) == "done"


def test_a_fault_of_ours_is_not_waited_for() -> None:
    ledger = Ledger(away=0)

    def write(_connection: Connection) -> None:
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        ledger.transaction().run(cast("Database", ledger), write)
    assert ledger.pauses == []
