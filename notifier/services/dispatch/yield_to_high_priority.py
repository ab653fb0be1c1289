"""Make retries and bulk work yield to first attempts.

Queues have their own processes but share the machine, the database and the provider's rate. Without
this, a new incident's mails would slow down in proportion to the older mails in progress.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from notifier.services.ports import Clock
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import due_batches
from notifier.storage.notifications import notifications

_MOST = timedelta(seconds=2)
# Work that has waited longer is blocked otherwise: a queue without a worker must not stop the
# others.
_FRESH = timedelta(seconds=30)
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class YieldToHighPriority:
    """Block while first attempts are waiting, for at most two seconds to avoid starvation."""

    database: Database
    clock: Clock
    pause: Callable[[float], object] = time.sleep

    def wait(self) -> None:
        """Wait if first attempts are due."""
        until = self.clock() + _MOST
        while self._first_attempts_wait() and self.clock() < until:
            self.pause(_POLL_SECONDS)

    def _first_attempts_wait(self) -> bool:
        now = self.clock()
        with self.database.read() as connection:
            return notifications.is_fresh_planning(connection, now - _FRESH) or due_batches.has_first_attempts_due(
                connection, since=now - _FRESH, now=now
            )
