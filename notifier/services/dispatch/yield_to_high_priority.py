"""Stand back: retries and bulk work let fresh news pass, so that cores, database and a provider's rate are free for it.

Lanes have processes of their own, but share the machine, the database and the provider: without this, the mails of a
new incident would take as many times longer as there are older ones being worked on.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from notifier.services.ports import Clock
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import batches
from notifier.storage.notifications import notifications

_MOST = timedelta(seconds=2)
# What has waited longer waits for something else: a lane without a worker must not stop the others.
_FRESH = timedelta(seconds=30)
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class YieldToHighPriority:
    """Return when no fresh news waits, or after two seconds: who is always let pass would never get anywhere."""

    database: Database
    clock: Clock
    pause: Callable[[float], object] = time.sleep

    def wait(self) -> None:
        """Wait, if there is anything to wait for."""
        until = self.clock() + _MOST
        while self._first_attempts_wait() and self.clock() < until:
            self.pause(_POLL_SECONDS)

    def _first_attempts_wait(self) -> bool:
        now = self.clock()
        with self.database.read() as connection:
            return notifications.is_fresh_planning(connection, now - _FRESH) or batches.has_first_attempts_due(
                connection, since=now - _FRESH, now=now
            )
