"""Isolate failures: one bad incident, plan, mail or chore never stops the others.

Only here, any exception of a unit of work is caught. It is logged with its traceback, counted and
shown as an alert. The unit is retried with doubling waits; after ten failures it is a dead letter.
Batches have a boundary of their own, their lease (`services/dispatch/dead_letter.py`).
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Protocol, TypeVar

from notifier.domain.errors import UnavailableError
from notifier.domain.values import Reason
from notifier.observability import get_logger
from notifier.services.ports import Clock
from notifier.storage.database import Connection
from notifier.storage.database.engine import Database
from notifier.storage.database.types import AnyRow
from notifier.storage.operations import alerts, dead_letters

_log = get_logger(__name__)
Done = TypeVar("Done")
Item = TypeVar("Item")
GivenUp = Callable[[Connection], object]
"""Disposes of a dead-lettered unit, in the transaction that records it."""

MOST_FAILURES = 10
_KNOWN_SECONDS = 0.5
_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=2), timedelta(minutes=10)


def wait_after(failures: int) -> timedelta:
    """Return how long a unit waits after so many internal errors in a row."""
    return min(_FIRST_WAIT * 2.0 ** (failures - 1), _LONGEST_WAIT)


class Isolate(Protocol):
    """Runs a unit of work so that its failure affects nothing else."""

    def run(self, kind: str, object_id: str, work: Callable[[], Done], given_up: GivenUp | None = None) -> Done | None:
        """Return the work's result; None if it failed, is waiting, or is a dead letter."""


class Unguarded:
    """Runs the work and lets its errors propagate: for command lines and tests."""

    def run(self, kind: str, object_id: str, work: Callable[[], Done], given_up: GivenUp | None = None) -> Done:
        """Run the work."""
        del kind, object_id, given_up
        return work()


UNGUARDED: Final = Unguarded()


def each_alone(
    items: Iterable[Item], work: Callable[[Item], Done], ours: type[Exception]
) -> tuple[list[Done], list[tuple[Item, Exception]]]:
    """Run pure work for each item; a failure does not affect the other items.

    Returns results, and failed items with their errors. Errors other than `ours` are logged as
    faults.
    """
    done, failed = [], []
    for item in items:
        try:
            done.append(work(item))
        except Exception as fault:  # noqa: BLE001 - the boundary: whatever it is, the other items must go on
            if not isinstance(fault, ours):
                _log.error("item_failed", exc_info=fault)
            failed.append((item, fault))
    return done, failed


@dataclass
class Isolation:
    """Implements `Isolate` for all processes, counting failures in the ledger. Thread-safe.

    Failures recorded by other processes are cached for half a second, so that a unit that never
    failed costs no query.
    """

    database: Database
    clock: Clock
    seconds: Callable[[], float] = time.monotonic
    _known: Mapping[tuple[str, str], AnyRow] = field(default_factory=dict, repr=False)
    _read_at: float = field(default=float("-inf"), repr=False)

    def run(self, kind: str, object_id: str, work: Callable[[], Done], given_up: GivenUp | None = None) -> Done | None:
        """Run the work, unless it is waiting after a failure.

        Raises:
            UnavailableError: the database is unavailable; not counted as a failure of the unit.
        """
        row = self._failures().get((kind, object_id))
        if row is not None and (row.next_try_at is None or row.next_try_at > self.clock()):
            return None
        try:
            done = work()
        except UnavailableError:
            raise
        except Exception as fault:  # noqa: BLE001 - the boundary: whatever it is, the other units must go on
            self._failed(kind, object_id, fault, given_up)
            return None
        if row is not None:
            self._works_again(kind, object_id)
        return done

    def _failures(self) -> Mapping[tuple[str, str], AnyRow]:
        now = self.seconds()
        if now - self._read_at >= _KNOWN_SECONDS:
            with self.database.read() as connection:
                self._known = dead_letters.get_all(connection)
            self._read_at = now
        return self._known

    def _failed(self, kind: str, object_id: str, fault: Exception, given_up: GivenUp | None) -> None:
        now, name = self.clock(), type(fault).__name__
        with self.database.write() as connection:
            failures = dead_letters.failures(connection, kind, object_id) + 1
            ends = failures >= MOST_FAILURES
            next_try = None if ends else now + wait_after(failures)
            words = "given up" if ends else f"tried again at {next_try:%Y-%m-%d %H:%M:%S}Z"
            detail = f"{name}, {failures} times: {words}; the log has the traceback"
            dead_letters.note(connection, kind, object_id, failures=failures, next_try_at=next_try, error=name[:100])
            alerts.raise_(connection, _alert_key(kind, object_id), Reason.FAULT, detail, now)
            if ends and given_up is not None:
                given_up(connection)
        _log.error("work_failed", unit=kind, object_id=object_id, failures=failures, given_up=ends, exc_info=fault)
        self._read_at = float("-inf")

    def _works_again(self, kind: str, object_id: str) -> None:
        with self.database.write() as connection:
            dead_letters.remove(connection, kind, object_id)
            alerts.clear(connection, _alert_key(kind, object_id))
        self._read_at = float("-inf")


def _alert_key(kind: str, object_id: str) -> str:
    return f"{kind}:{object_id}"[:100]


@dataclass
class Revive:
    """A chore of the sweep: retries dead letters once per start, which may be a new version."""

    database: Database
    clock: Clock
    name: str = "revived"
    _done: bool = field(default=False, repr=False)

    def run(self) -> int:
        """Revive all units on the first call; returns how many."""
        if self._done:
            return 0
        with self.database.write() as connection:
            revived = dead_letters.revive(connection, self.clock())
        self._done = True
        return revived
