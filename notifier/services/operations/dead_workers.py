"""Workers that have vanished: nobody waits for their leases to run out.

A process of this machine is known to be gone at once, by the lock that the kernel drops with it; any other one when its
heartbeat has stood still for seconds. Clocks of two machines are never compared: the sweep looks itself how long a
worker has not counted on, and counts only such time in which it could write itself. So a database that was away, when
nobody could beat, or a sweep that was suspended, makes nobody vanish.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from notifier.domain.values import Channel
from notifier.observability import get_logger
from notifier.services.dispatch.attempt import LEASE
from notifier.services.dispatch.outcome_journal import OutcomeJournal, apply
from notifier.services.operations.heartbeat import STILL
from notifier.services.operations.worker_locks import WorkerLocks
from notifier.services.ports import Clock, MetricsSink, NoMetrics
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import leases, worker_processes
from notifier.storage.operations import counters
from notifier.storage.operations.counters import MAIL_UNKNOWN

_log = get_logger(__name__)
# Between two looks no more time than this counts as seen.
_LOOK_SECONDS = 1.5
# After a while in which nobody could write, workers have this long to write down what they know.
_SETTLE_SECONDS = 10.0
_SUSPICIOUS_SECONDS = 3.0


@dataclass
class DeadWorkers:
    """Ends the leases of workers that are gone. To be called every second; any number of sweeps may do it.

    Attributes:
        database: The ledger.
        clock: The time of day, of due times.
        mail_waits: As `leases.expire_leases` has it.
        meter: Counts unknown outcomes.
        locks: Those of this data folder's workers.
        notes: What they knew and could not write down.
        seconds: Seconds that nobody can set.
        still: How long a heartbeat stands still of a worker that is gone.
    """

    database: Database
    clock: Clock
    mail_waits: Callable[[], timedelta] = lambda: -LEASE
    meter: MetricsSink = field(default_factory=NoMetrics)
    locks: WorkerLocks | None = None
    notes: OutcomeJournal | None = None
    seconds: Callable[[], float] = time.monotonic
    still: timedelta = STILL
    _seen: dict[str, tuple[int, float]] = field(default_factory=dict, repr=False)  # beats, still for how long
    _last: float | None = field(default=None, repr=False)
    _settles_until: float = field(default=float("-inf"), repr=False)

    def run(self) -> int:
        """Look once; returns how many batches were handed back."""
        return self.beside() + sum(self._end(owner, beats) for owner, beats in self._still())

    def beside(self) -> int:
        """Look at the locks of this data folder alone, as a worker does for its neighbours and those before it."""
        return sum(self._find_gone(owner) for owner in self.locks.gone()) if self.locks is not None else 0

    def _find_gone(self, owner: str) -> int:
        """Write down what a process left noted, and end its leases where it surely is gone."""
        known = self.notes.read(owner) if self.notes is not None else ()
        if known:
            with self.database.write() as connection:
                written = sum(apply(connection, each) for each in known)
            _log.info("outcomes_recovered", worker=owner, found=len(known), recorded=written)
        if self.notes is not None:
            self.notes.remove(owner)
        if not WorkerLocks.are_proof(owner):
            with self.database.read() as connection:
                if owner in worker_processes.beats(connection):
                    return 0  # its heartbeat decides
        return self._end(owner)

    @property
    def is_settled(self) -> bool:
        """Whether the ledger has been there long enough to believe that a lease whose time is over is abandoned."""
        return self.seconds() >= self._settles_until

    def _still(self) -> list[tuple[str, int]]:
        """Return whose heartbeat has stood still for too long, and where."""
        with self.database.read() as connection:
            counted = worker_processes.beats(connection)
        passed = self._passed()
        seen = {owner: self._look(owner, beats, min(passed, _LOOK_SECONDS)) for owner, beats in counted.items()}
        if any(still >= _SUSPICIOUS_SECONDS for _, still in seen.values()):
            with self.database.write() as connection:
                worker_processes.prove_writable(connection)
        self._seen = seen
        most = self.still.total_seconds()
        return [(owner, beats) for owner, (beats, still) in seen.items() if still >= most]

    def _passed(self) -> float:
        """Return how long ago the last look was; after a gap nothing is taken for abandoned for a while."""
        now = self.seconds()
        passed = now - self._last if self._last is not None else _SETTLE_SECONDS
        if passed > 2 * _LOOK_SECONDS:
            self._settles_until = now + _SETTLE_SECONDS
        self._last = now
        return passed

    def _look(self, owner: str, beats: int, passed: float) -> tuple[int, float]:
        before, still = self._seen.get(owner, (-1, 0.0))
        return (beats, still + passed) if before == beats else (beats, 0.0)

    def _end(self, owner: str, beats: int | None = None) -> int:
        now = self.clock()
        with self.database.write() as connection:
            if beats is not None and not worker_processes.stands(connection, owner, beats):
                return 0
            lost = worker_processes.end_leases(connection, owner, now, mail_waits=self.mail_waits())
            in_doubt = sum(size for _, channel, size in lost if channel is Channel.EMAIL)
            counters.add(connection, MAIL_UNKNOWN, "worker", in_doubt)
            left = leases.are_held(connection, owner)
            if not left:
                worker_processes.leave(connection, owner)
        if not left and self.locks is not None:
            self.locks.forget(owner)
        for batch_id, channel, _ in lost:
            self.meter.unknown(channel)
            _log.warning("worker_vanished", batch_id=batch_id, worker=owner)
        return len(lost)
