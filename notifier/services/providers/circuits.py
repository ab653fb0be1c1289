"""Circuit breakers of a channel's providers, shared by all workers: calls, waits and probes."""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from notifier.domain.errors import DeliveryError, UnavailableError
from notifier.domain.providers.breaker import PROBE_PAUSE, WAITS_FOR_PROVIDER, Breaker, LastError
from notifier.domain.values import Channel, QueueName, Reason
from notifier.observability import get_logger
from notifier.services.ports import Clock, TaskQueue
from notifier.storage.database import Condition, Connection
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import provider_waits
from notifier.storage.deliveries.batches import Batch
from notifier.storage.deliveries.provider_waits import Waiting
from notifier.storage.operations import provider_states

_log = get_logger(__name__)

PARKED = timedelta(minutes=5)  # a waiting batch is checked again by then if nothing resumed it
_AT_ONCE = 500  # batches enqueued on closing a circuit; the sweep finds the rest within a second
# The smallest batch is the probe; every fourth time the one waiting longest, in case the batch is
# at fault and not the provider.
_ROTATION = 4
_ERRORS_APART = timedelta(seconds=1)
_DOUBT = frozenset({Reason.OUTCOME_UNKNOWN})

Wait = Callable[[Connection, datetime], datetime | None]
"""Returns until when a released batch waits for its provider, in the same transaction, or None."""


def no_wait(_connection: Connection, _now: datetime) -> datetime | None:
    """Return None: wait for no provider."""
    return None


@dataclass(eq=False)
class Circuits:
    """Circuit breakers of one channel, stored in the ledger. Thread-safe.

    Reading raises `UnavailableError` while the database is unavailable. Writing never does: it must
    not lose a batch's outcome, and the next probe finds the same state.
    """

    database: Database
    clock: Clock
    tasks: TaskQueue
    channel: Channel
    # How long a probe may take before another one starts.
    probe_seconds: float = 60.0
    # Whether to repeat unknown outcomes of a provider once it works, because no evidence will come.
    repeats_doubts: Callable[[str], bool] = lambda _name: True
    _streaks: Counter[str] = field(default_factory=Counter, init=False, repr=False)
    _written: dict[str, datetime] = field(default_factory=dict, init=False, repr=False)
    _seen: dict[str, datetime | None] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def look(self) -> Mapping[str, Breaker]:
        """Return the circuits that have ever opened, by name."""
        with self.database.read() as connection:
            return provider_states.of_channel(connection, self.channel)

    def enters(self, name: str, breaker: Breaker, batch: Batch | None) -> bool:
        """Whether a batch (None: other mail) may pass an open circuit now, as its only probe.

        If a smaller batch is waiting, it is enqueued as the probe instead.
        """
        now = self.clock()
        chosen = batch is not None and breaker.probe == batch.id
        if not (chosen or breaker.may_probe(now)):
            return False
        until = now + timedelta(seconds=self.probe_seconds)
        other: Waiting | None = None
        with self.database.write() as connection:
            batch_id = batch.id if batch is not None else None
            if not provider_states.take_slot(connection, self.channel, name, batch_id=batch_id, now=now, until=until):
                return False
            if not chosen:
                other = self._smaller(connection, name, breaker, batch, now)
        self._call(other)
        return other is None

    def _smaller(
        self, connection: Connection, name: str, breaker: Breaker, batch: Batch | None, now: datetime
    ) -> Waiting | None:
        found = self._next(connection, name, breaker, now)
        if found is None or (batch is not None and batch.size <= found.size):
            return None
        return self._choose(connection, name, found, now)

    def call_probe(self, name: str, breaker: Breaker) -> bool:
        """Choose and enqueue the next probe; False if none is due or no batch is waiting."""
        now = self.clock()
        if not breaker.may_probe(now):
            return False
        with self.database.read() as connection:
            found = self._next(connection, name, breaker, now)
        if found is None:
            return False
        with self.database.write() as connection:
            self._choose(connection, name, found, now)
        self._call(found)
        return True

    def _next(self, connection: Connection, name: str, breaker: Breaker, now: datetime) -> Waiting | None:
        longest = breaker.failures % _ROTATION == _ROTATION - 1
        # Email with an unknown outcome waits its own time; platforms can be asked before reposting.
        reasons = WAITS_FOR_PROVIDER | (_DOUBT if self.channel is Channel.SOCIAL else frozenset())
        return provider_waits.smallest(connection, self._whose(name), reasons, now, longest=longest)

    def _choose(self, connection: Connection, name: str, found: Waiting, now: datetime) -> Waiting:
        # Lock the circuit first, as on closing it: a different lock order would deadlock.
        provider_states.next_probe(connection, self.channel, name, now + PROBE_PAUSE, probe=found.id)
        provider_waits.hurry(connection, found.id, now)
        return found

    def leave(self, name: str, wait: timedelta = timedelta(0)) -> None:
        """Give up the probe's slot: it was not used (no wait), or nobody answered (wait)."""
        with self._forgiven(), self.database.write() as connection:
            provider_states.next_probe(connection, self.channel, name, self.clock() + wait)

    def failed(self, name: str, error: DeliveryError, known: Breaker, *, another_works: bool = False) -> Breaker:
        """Record a provider failure; returns its circuit. `known`: the circuit as last read."""
        now = self.clock()
        with self._lock:
            if self._seen.get(name) != known.since:  # changed elsewhere: restart the count
                self._streaks[name] = 0
            self._seen[name] = known.since
            self._streaks[name] += 1
            streak, written = self._streaks[name], self._written.get(name)
        breaker = known.after_failure(error, now, streak=streak, another_works=another_works)
        if not breaker.is_open and written is not None and now < written + _ERRORS_APART:
            return breaker
        with self._forgiven(), self.database.write() as connection:
            before = provider_states.held(connection, self.channel, name)
            breaker = before.after_failure(error, now, streak=streak, another_works=another_works)
            provider_states.save(connection, self.channel, name, breaker)
            if breaker.is_open and not before.is_open:
                _log.warning("provider_circuit_opened", provider=name, reason=error.reason.value)
        with self._lock:
            self._written[name] = now
        return breaker

    def limited(self, name: str, error: DeliveryError) -> None:
        """Store the error of a provider with a long rate limit, for operators: it does work."""
        last = LastError(reason=error.reason, status=error.status, detail=error.detail, at=self.clock())
        with self._forgiven(), self.database.write() as connection:
            before = provider_states.held(connection, self.channel, name)
            provider_states.save(connection, self.channel, name, replace(before, last_error=last))

    def worked(self, name: str, known: Breaker) -> None:
        """Record a success; batches waiting for the provider are due now. `known`: as last read."""
        with self._lock:
            had_failed = self._streaks.pop(name, 0)
        if not (had_failed or known.failures or known.is_open):
            return
        now, due = self.clock(), list[Waiting]()
        with self._forgiven(), self.database.write() as connection:
            before = provider_states.held(connection, self.channel, name)
            provider_states.save(connection, self.channel, name, before.after_success(now))
            if before.is_open:
                due = self._due_now(connection, name, now)
                _log.info("provider_circuit_closed", provider=name, batches=len(due))
        self._call(*due)

    def _due_now(self, connection: Connection, name: str, now: datetime) -> list[Waiting]:
        reasons = WAITS_FOR_PROVIDER | (_DOUBT if self.repeats_doubts(name) else frozenset())
        queue = QueueName.SOCIAL if self.channel is Channel.SOCIAL else QueueName.EMAIL
        return provider_waits.due_now(connection, self._whose(name), reasons, now, enqueued=_AT_ONCE, queue=queue)

    def wait(self, names: Collection[str]) -> Wait:
        """Return a function that makes a batch wait while all of these are open."""

        def parked(connection: Connection, now: datetime) -> datetime | None:
            return now + PARKED if provider_states.all_open(connection, self.channel, names) else None

        return parked

    def _whose(self, name: str) -> Condition:
        return provider_waits.of_account(name) if self.channel is Channel.SOCIAL else provider_waits.of_mail()

    def _call(self, *due: Waiting | None) -> None:
        for one in due:
            if one is not None:
                self.tasks.attempt(one.queue, [one.id])

    @contextmanager
    def _forgiven(self) -> Iterator[None]:
        try:
            yield
        except UnavailableError as error:
            _log.warning("provider_state_not_saved", error=str(error))
