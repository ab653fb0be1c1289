"""A provider that has failed for minutes: the team is reminded, once per failure."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from notifier.domain.messages.team import TeamMessage, TeamSubject
from notifier.services.ports import Clock
from notifier.services.providers.status import Providers, ProviderStatus
from notifier.services.team.reminders import TeamReminders
from notifier.storage.database.engine import Database
from notifier.storage.operations import provider_states

PATIENCE = timedelta(minutes=5)
_EVERY = timedelta(seconds=30)


@dataclass
class RemindOfFailingProviders:
    """A chore of the sweep. `url`: the page to act on."""

    database: Database
    clock: Clock
    providers: Providers
    team: TeamReminders
    url: str
    name: str = "failing_providers"
    _rests_until: datetime | None = field(default=None, repr=False)

    def run(self) -> int:
        """Look, at most every half minute; returns how many providers the team is reminded of."""
        now = self.clock()
        if self._rests_until is not None and now < self._rests_until:
            return 0
        self._rests_until = now + _EVERY
        statuses = self.providers.statuses()
        return sum(self._remind(status, now) for status in statuses if _has_failed_long(status, now))

    def _remind(self, status: ProviderStatus, now: datetime) -> bool:
        message = TeamMessage(
            about=TeamSubject.PROVIDER_FAILING,
            id=status.name,
            title=status.label,
            url=self.url,
            since=status.circuit.since or now,
        )
        with self.database.write() as connection:
            if not provider_states.note_reminder(connection, status.channel, status.name, now):
                return False
            self.team.remind(connection, message, now)
        return True


def _has_failed_long(status: ProviderStatus, now: datetime) -> bool:
    since = status.circuit.since
    return status.circuit.is_open and since is not None and since <= now - PATIENCE
