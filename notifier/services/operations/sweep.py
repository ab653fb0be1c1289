"""Sweep: once a second, find due work in the database and enqueue it. Cheap, indexed queries."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from notifier.domain.errors import UnavailableError
from notifier.domain.values import Channel, QueueName
from notifier.observability import get_logger
from notifier.services.dispatch.lease import LEASE
from notifier.services.dispatch.regroup import Regroup
from notifier.services.events.announce import Announce
from notifier.services.isolation import UNGUARDED, Isolate
from notifier.services.operations.clock_jump import ClockJumpDetector
from notifier.services.operations.dead_workers import DeadWorkers
from notifier.services.ports import Chore, Clock, MetricsSink, NoMetrics, TaskQueue
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import due_batches, leases
from notifier.storage.incidents import channel_state
from notifier.storage.notifications import notifications
from notifier.storage.operations import counters
from notifier.storage.operations.counters import MAIL_UNKNOWN

_log = get_logger(__name__)

_LIMIT = 500
# A message still in the queue is not lost: enqueue again only if the queue is nearly empty.
_DEEP = 50
_ENQUEUE_AGAIN_AFTER = timedelta(seconds=10)
_PLAN_AFTER = timedelta(seconds=5)


@dataclass(frozen=True)
class Sweep:
    """One pass over everything that is due. Idempotent: two schedulers at once do no harm."""

    database: Database
    clock: Clock
    tasks: TaskQueue
    announce: Announce
    regroup: Regroup
    chores: tuple[Chore, ...] = ()
    clock_jumps: ClockJumpDetector | None = None
    dead_workers: DeadWorkers | None = None
    metrics_sink: MetricsSink = field(default_factory=NoMetrics)
    # How long after its lease a mail of unknown outcome waits for provider events; may be negative.
    mail_waits: Callable[[], timedelta] = lambda: -LEASE
    isolate: Isolate = UNGUARDED

    def run(self) -> dict[str, int]:
        """Sweep once; returns how much work of each kind was started."""
        parts: dict[str, Callable[[], int]] = {
            "vanished": self._end_dead_workers,
            "leases": self._leases,
            "windows": self._windows,
            "plans": self._plans,
            "retries": self.regroup.run,
            "nudges": self._enqueue,
        }
        named = {chore.name: chore.run for chore in self.chores}
        counts = self._each(parts | named)
        moved = {name: number for name, number in counts.items() if number}
        if moved:
            _log.info("sweep_completed", counts=moved)
        return counts

    def _each(self, chores: Mapping[str, Callable[[], int]]) -> dict[str, int]:
        """Run each chore in isolation: a failed one is retried later, and the others continue.

        One unavailable chore may have met a locked row; two in a row mean that the database is
        unavailable.

        Raises:
            UnavailableError: the database is unavailable.
        """
        counts, away = {}, False
        for name, chore in chores.items():
            try:
                counts[name] = self.isolate.run("chore", name, chore) or 0
            except UnavailableError as error:
                if away:
                    raise
                _log.warning("chore_deferred", chore=name, error=str(error))
            away = name not in counts
        return counts

    def _end_dead_workers(self) -> int:
        return self.dead_workers.run() if self.dead_workers is not None else 0

    def _may_end_leases(self) -> bool:
        """Return whether an expired lease can be trusted to be unused."""
        # The detector notices a jump when it is asked, so ask it in every round.
        is_steady = self.clock_jumps is None or self.clock_jumps.is_steady()
        return is_steady and (self.dead_workers is None or self.dead_workers.is_settled)

    def _leases(self) -> int:
        if not self._may_end_leases():
            return 0
        now = self.clock()
        with self.database.read() as connection:
            if not leases.has_expired_lease(connection, now):
                return 0
        with self.database.write() as connection:
            expired = leases.expire_leases(connection, now, _LIMIT, mail_waits=self.mail_waits())
            in_doubt = sum(size for _, channel, size in expired if channel is Channel.EMAIL)
            counters.add(connection, MAIL_UNKNOWN, "worker", in_doubt)
        for batch_id, channel, _ in expired:
            self.metrics_sink.unknown(channel)
            _log.warning("lease_expired", batch_id=batch_id)
        return len(expired)

    def _windows(self) -> int:
        with self.database.read() as connection:
            due = channel_state.due(connection, self.clock(), _LIMIT)
        for incident_id in dict.fromkeys(incident_id for incident_id, _ in due):
            self.isolate.run("incident", incident_id, partial(self.announce.run, incident_id))
        return len(due)

    def _plans(self) -> int:
        with self.database.read() as connection:
            waiting = notifications.unplanned(connection, self.clock() - _PLAN_AFTER, _LIMIT)
        if not waiting or self.tasks.depth(QueueName.CONTROL) > _DEEP:
            return 0
        for notification_id in waiting:
            self.tasks.plan(notification_id)
        return len(waiting)

    def _enqueue(self) -> int:
        now = self.clock()
        total = 0
        with self.database.read() as connection:
            queues = due_batches.queues_with_due(connection, now)
        for queue in queues:
            if self.tasks.depth(queue) > _DEEP:
                continue
            with self.database.write() as connection:
                due = due_batches.due_for_enqueue(
                    connection, queue, now=now, enqueued_before=now - _ENQUEUE_AGAIN_AFTER, limit=_LIMIT
                )
            self.tasks.attempt(queue, due)
            total += len(due)
        return total
