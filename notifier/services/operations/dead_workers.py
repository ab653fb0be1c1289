"""End the leases of dead workers without waiting for them to expire.

On this machine the kernel releases a dead process's file lock, so its death is known at once. Other
processes are dead when their heartbeat has not advanced for some seconds. Clocks of two machines
are never compared: the sweep measures how long a counter has not advanced, and counts only time in
which it could write itself. So neither an unavailable database nor a suspended sweep makes workers
look dead.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from notifier.domain.values import Channel
from notifier.observability import get_logger
from notifier.services.dispatch.lease import LEASE
from notifier.services.dispatch.outcome_journal import OutcomeJournal, apply
from notifier.services.operations.heartbeat import STILL
from notifier.services.operations.worker_locks import WorkerLocks
from notifier.services.ports import Clock, MetricsSink, NoMetrics
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import leases, worker_processes
from notifier.storage.operations import counters
from notifier.storage.operations.counters import MAIL_UNKNOWN

_log = get_logger(__name__)
# At most this much time counts between two checks.
_LOOK_SECONDS = 1.5
# After an outage of the database, workers have this long to write their outcomes.
_SETTLE_SECONDS = 10.0
_SUSPICIOUS_SECONDS = 3.0


@dataclass
class DeadWorkers:
    """Ends the leases of dead workers. Run every second; safe in several sweeps at once.

    Attributes:
        database: The ledger.
        clock: Wall clock, for due times.
        mail_waits: As in `leases.expire_leases`.
        meter: Counts unknown outcomes.
        locks: Locks of this data folder's workers.
        notes: Journal of outcomes that workers could not write.
        seconds: Seconds of a clock that cannot be set.
        still: How long a dead worker's heartbeat has not advanced.
    """

    database: Database
    clock: Clock
    mail_waits: Callable[[], timedelta] = lambda: -LEASE
    metrics_sink: MetricsSink = field(default_factory=NoMetrics)
    locks: WorkerLocks | None = None
    notes: OutcomeJournal | None = None
    seconds: Callable[[], float] = time.monotonic
    still: timedelta = STILL
    _seen: dict[str, tuple[int, float]] = field(default_factory=dict, repr=False)  # beats, seconds
    _last: float | None = field(default=None, repr=False)
    _settles_until: float = field(default=float("-inf"), repr=False)

    def run(self) -> int:
        """Check once; returns how many batches were released."""
        return self.check_locks() + sum(self._end(owner, beats) for owner, beats in self._stalled())

    def check_locks(self) -> int:
        """Check only the locks of this data folder, as a worker does for its siblings."""
        return sum(self._recover(owner) for owner in self.locks.gone()) if self.locks is not None else 0

    def _recover(self, owner: str) -> int:
        """Record a process's journaled outcomes, and end its leases if it is surely dead."""
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
        """Whether the database has been available long enough to trust expired leases."""
        return self.seconds() >= self._settles_until

    def _stalled(self) -> list[tuple[str, int]]:
        """Return the owners whose heartbeat has not advanced for too long, with its value."""
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
        """Return the time since the last check; after a gap, distrust expired leases briefly."""
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
            if beats is not None and not worker_processes.is_stalled(connection, owner, beats):
                return 0
            lost = worker_processes.end_leases(connection, owner, now, mail_waits=self.mail_waits())
            in_doubt = sum(size for _, channel, size in lost if channel is Channel.EMAIL)
            counters.add(connection, MAIL_UNKNOWN, "worker", in_doubt)
            left = leases.has_leases(connection, owner)
            if not left:
                worker_processes.leave(connection, owner)
        if not left and self.locks is not None:
            self.locks.forget(owner)
        for batch_id, channel, _ in lost:
            self.metrics_sink.unknown(channel)
            _log.warning("worker_vanished", batch_id=batch_id, worker=owner)
        return len(lost)
