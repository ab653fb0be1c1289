"""Limit sign-ups per hour for the whole installation; more than that suggests abuse."""

from dataclasses import dataclass
from datetime import timedelta

from notifier.domain.values import Reason
from notifier.services.ports import Clock, Quota
from notifier.storage.database.engine import Database
from notifier.storage.operations import alerts

ALERT_KEY = "sign_ups"
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class SignUpLimit:
    """Counts sign-ups over all processes."""

    database: Database
    clock: Clock
    quota: Quota
    most: int

    def take(self) -> bool:
        """Count a sign-up; returns whether it is allowed. The first refusal raises the alert."""
        seconds = int(_HOUR.total_seconds())
        if self.quota.take("sign-ups", most=self.most, seconds=seconds):
            return True
        with self.database.write() as connection:
            detail = f"more than {self.most:,} sign-ups within an hour; the rest is refused until it is over"
            alerts.raise_(connection, ALERT_KEY, Reason.RATE_LIMITED, detail, self.clock())
        return False


@dataclass(frozen=True)
class ClearSignUpAlert:
    """A chore of the sweep: clears the alert an hour after the last refused sign-up."""

    database: Database
    clock: Clock

    name = "sign_ups"

    def run(self) -> int:
        """Return 1 if the alert was cleared."""
        with self.database.read() as connection:
            standing = [row for row in alerts.current(connection) if row.key == ALERT_KEY]
        if not standing or self.clock() - standing[0].last_at < _HOUR:
            return 0
        with self.database.write() as connection:
            alerts.clear(connection, ALERT_KEY)
        return 1
