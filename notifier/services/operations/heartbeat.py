"""Heartbeat of a worker process: shows others, and the process itself, that it counts as alive."""

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
"""A worker whose counter has not advanced for this long is dead; see `dead_workers.py`."""
# For this long after a beat nobody considers us dead, even if the next ones fail.
_SURE = timedelta(seconds=4)


def _since_boot() -> float:
    """Return seconds that include suspension of the process or machine, where supported."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass
class Heartbeat:
    """Beats in its own thread, so that a busy process beats too. Thread-safe.

    `renew` is called with each beat, for other resources that must not outlive a silent process.
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
        """Start beating; returns before the first beat."""
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._thread.start()

    def beat(self) -> None:
        """Beat once.

        Raises:
            UnavailableError: the database is unavailable.
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
        """Whether this process surely counts as alive; after suspension, from the next beat on."""
        return self.seconds() - self._last < _SURE.total_seconds()

    def ensure(self) -> None:
        """Beat now unless this process surely counts as alive.

        Raises:
            UnavailableError: the database is unavailable.
        """
        if not self.is_sure:
            self.beat()

    def lasting(self) -> Callable[[], bool]:
        """Return a check of whether this process has counted as alive since now. Never blocks."""
        life = self._life
        return lambda: self._life == life and self.is_sure

    def close(self) -> None:
        """Stop beating and deregister: nothing is in progress any more."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(EVERY.total_seconds())
        if self.is_sure:  # otherwise the database is unavailable: do not wait for it
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
