"""The heartbeat of a worker process: by it others see that it lives, and it sees itself whether they still may."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from notifier.domain.errors import UnavailableError
from notifier.observability import get_logger
from notifier.services.ports import Clock
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import worker_processes

_log = get_logger(__name__)

EVERY = timedelta(seconds=2)
STILL = timedelta(seconds=7)
"""Whoever has not counted on for so long has vanished, and its leases end (`services/operations/dead_workers.py`)."""
# For so long after a beat nobody takes us for vanished, whatever becomes of the next ones.
_SURE = timedelta(seconds=4)


def _since_boot() -> float:
    """Return seconds that also count while the process, or the machine, is suspended (where the system has such)."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass
class Heartbeat:
    """Counts on in a thread of its own, so that a busy process still beats. Safe to share between threads.

    `renew` is called with each beat, for what else ends with a process that does not beat.
    """

    database: Database
    clock: Clock
    owner: str
    seconds: Callable[[], float] = _since_boot
    renew: list[Callable[[], object]] = field(default_factory=list)
    _life: int = 0
    _last: float = float("-inf")
    _beating: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _ended: threading.Event = field(default_factory=threading.Event, repr=False)
    _thread: threading.Thread | None = field(default=None, repr=False)

    def start(self) -> None:
        """Begin to beat; returns before the first one."""
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._thread.start()

    def beat(self) -> None:
        """Beat once.

        Raises:
            UnavailableError: the database is away.
        """
        with self._beating:
            began = self.seconds()
            with self.database.write() as connection:
                number = worker_processes.beat(connection, self.owner, self.clock())
            if number == 1 and self._last > float("-inf"):
                self._life += 1
                _log.warning("presumed_vanished", hint="this process was suspended or cut off from the database")
            self._last = began

    @property
    def is_sure(self) -> bool:
        """Whether others surely take this process for alive; after a suspension only from the next beat on."""
        return self.seconds() - self._last < _SURE.total_seconds()

    def ensure(self) -> None:
        """Be sure, by a beat at once if need be.

        Raises:
            UnavailableError: the database is away.
        """
        if not self.is_sure:
            self.beat()

    def lasting(self) -> Callable[[], bool]:
        """Return a question: whether others have taken this process for alive all the time since now. Never waits."""
        life = self._life
        return lambda: self._life == life and self.is_sure

    def close(self) -> None:
        """Stop, and be forgotten: nothing is in hand any more."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(EVERY.total_seconds())
        if self.is_sure:  # else the database is away, and to wait for it would be in vain
            try:
                with self.database.write() as connection:
                    worker_processes.leave(connection, self.owner)
            except UnavailableError as error:
                _log.info("sign_off_failed", error=str(error))

    def _run(self) -> None:
        while True:
            try:
                for renew in self.renew:
                    renew()
                self.beat()
            except UnavailableError as error:
                _log.info("heartbeat_failed", error=str(error))
            if self._ended.wait(EVERY.total_seconds()):
                return
