"""Resolve incidents opened by a monitor once their alerts have been quiet for long enough."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from notifier.domain.incidents.alert_texts import UPDATE_PREFIX, AlertTexts
from notifier.domain.incidents.incident import Event, Update
from notifier.domain.values import Status
from notifier.services.events.ingest import Ingest
from notifier.services.events.intake_log import log_taken
from notifier.services.isolation import UNGUARDED, Isolate
from notifier.services.ports import Clock
from notifier.storage.database.engine import Database
from notifier.storage.incidents import alert_incidents
from notifier.storage.incidents.alert_incidents import AlertIncident

_LIMIT = 100
_FORGOTTEN = timedelta(days=7)  # older ones need an operator: their monitor is long silent
_EVERY = timedelta(seconds=5)


@dataclass
class AutoResolve:
    """A chore of the sweep that resolves incidents, so that readers learn of the end unattended.

    The resolution counts as automatic too: channels delay it in case the trouble returns.
    """

    database: Database
    clock: Clock
    ingest: Ingest
    texts: AlertTexts
    after: timedelta = timedelta(minutes=5)
    name: str = "calm"
    isolate: Isolate = UNGUARDED
    _next: datetime | None = field(default=None, repr=False)

    def run(self) -> int:
        """Resolve due incidents, at most every few seconds; returns how many. Safe to run twice."""
        now = self.clock()
        if self._next is not None and now < self._next:
            return 0
        self._next = now + _EVERY
        with self.database.read() as connection:
            calm = alert_incidents.monitoring_since(
                connection, UPDATE_PREFIX, until=now - self.after, after=now - _FORGOTTEN, limit=_LIMIT
            )
        for episode in calm:
            self.isolate.run("calm", episode.incident.id, partial(self._resolve, episode, now))
        return len(calm)

    def _resolve(self, episode: AlertIncident, now: datetime) -> None:
        log_taken(self.ingest.take(self._resolution(episode, now)))

    def _resolution(self, episode: AlertIncident, now: datetime) -> Event:
        """Return the event; its ids derive from the last update, so that two schedulers agree."""
        return Event(
            id=f"calm:{episode.incident.id}:{episode.update_id}"[:200],
            incident=episode.incident,
            update=Update(
                id=f"{episode.update_id}-over",
                status=Status.RESOLVED,
                body=self.texts.over,
                posted_at=now,
            ),
            notify=episode.is_announced,
            source="calm",
            automatic=True,
            guarded=episode.is_withheld,
        )
