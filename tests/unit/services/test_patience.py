"""Writing down what was done while the database comes and goes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import pytest
from sqlalchemy import Connection

from notifier.domain.errors import UnavailableError
from notifier.services.patience import Patience
from notifier.storage.engine import Database


@dataclass
class Ledger:
    """Is away for so many transactions; its clock moves only by pauses."""

    away: int
    now: float = 0.0
    pauses: list[float] = field(default_factory=list)
    written: list[str] = field(default_factory=list)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        if self.away:
            self.away -= 1
            raise UnavailableError("database: gone")
        yield cast("Connection", self)

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def patience(self, seconds: float = 20.0) -> Patience:
        return Patience(timedelta(seconds=seconds), lambda: self.now, self.pause)


def written(ledger: Ledger, patience: Patience) -> Any:
    def write(_connection: Connection) -> str:
        ledger.written.append("accepted")
        return "done"

    return patience(cast("Database", ledger), write)


def test_an_outcome_is_written_once_the_database_is_back_with_growing_pauses() -> None:
    ledger = Ledger(away=6)
    assert written(ledger, ledger.patience()) == "done"
    assert ledger.written == ["accepted"]
    assert ledger.pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0]


def test_patience_ends_and_says_that_the_database_is_away() -> None:
    ledger = Ledger(away=1000)
    with pytest.raises(UnavailableError):
        written(ledger, ledger.patience(seconds=5))
    assert (ledger.written, ledger.now <= 5) == ([], True)


def test_a_fault_of_ours_is_not_waited_for() -> None:
    ledger = Ledger(away=0)

    def write(_connection: Connection) -> None:
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        ledger.patience()(cast("Database", ledger), write)
    assert ledger.pauses == []
