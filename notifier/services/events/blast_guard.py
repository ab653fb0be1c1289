"""Blast guard: count the recipients an update would reach and decide whether it is held."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from notifier.domain.incidents.incident import Event, Incident
from notifier.domain.recipients.audience import IncidentScope, Preferences
from notifier.domain.recipients.blast_guard import BlastGuardPolicy, HoldReason, hold_reason, reach_of
from notifier.domain.values import Channel, Status
from notifier.storage.database.engine import Database
from notifier.storage.notifications import audience_size

# Counting takes at most a fiftieth of the time: 1,000 subscribers are counted for every event,
# a million twice a minute.
_SHARE = 50


@dataclass(eq=False)
class BlastGuard:
    """An installation's blast guard, shared by a process's threads. `clock` in seconds."""

    policy: BlastGuardPolicy = field(default_factory=BlastGuardPolicy)
    clock: Callable[[], float] = time.monotonic
    _listeners: dict[Channel, list[tuple[Preferences, int]]] = field(default_factory=dict, init=False)
    _good_until: dict[Channel, float] = field(default_factory=dict, init=False)
    _counting: Lock = field(default_factory=Lock, init=False)

    def prepare(self, database: Database, channels: Iterable[Channel]) -> None:
        """Count recipients if the limit needs it. Call this before `reason_to_hold`'s transaction.

        Raises:
            UnavailableError: the database does not answer.
        """
        if self.policy.hold_above is not None:
            self.count(database, channels)

    def count(self, database: Database, channels: Iterable[Channel]) -> None:
        """Count recipients again if the last count is old; takes tenths of a second per million.

        Raises:
            UnavailableError: the database does not answer.
        """
        with self._counting:
            begun = self.clock()
            aged = [channel for channel in channels if begun >= self._good_until.get(channel, begun)]
            if not aged:
                return
            with database.read() as connection:
                for channel in aged:
                    begun = self.clock()
                    self._listeners[channel] = audience_size.listeners(connection, channel)
                    ended = self.clock()
                    self._good_until[channel] = ended + _SHARE * (ended - begun)

    def reach(self, channel: Channel, incident: Incident, status: Status) -> int:
        """Return how many recipients of a channel an update concerns, as of the last count."""
        scope = IncidentScope(impact=incident.impact, components=incident.component_keys)
        return reach_of(self._listeners.get(channel, []), channel, scope, closes=status.is_over)

    def reason_to_hold(self, event: Event, channels: Iterable[Channel], now: datetime) -> HoldReason | None:
        """Return why an event that would be announced is held on every channel, or None."""
        age = now - event.update.ordered_at
        return hold_reason(self.policy, guarded=event.guarded, age=age, many=bool(self.too_many(event, channels)))

    def too_many(self, event: Event, channels: Iterable[Channel]) -> list[Channel]:
        """Return the channels on which an event concerns more than `hold_above` recipients."""
        limit = self.policy.hold_above
        if limit is None:
            return []
        return [channel for channel in channels if self.reach(channel, event.incident, event.update.status) > limit]
