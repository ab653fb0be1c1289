"""Guard: how many recipients news would reach, and whether it waits for a person first."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from sqlalchemy import Connection

from notifier.domain.audience import Preferences, Scope
from notifier.domain.guard import GuardPolicy, is_held, reach_of
from notifier.domain.incident import Incident
from notifier.domain.values import Channel, Status
from notifier.storage import held, reach

# Counting takes at most a fiftieth of the time: a thousand are counted for every event, a million twice a minute.
_SHARE = 50


@dataclass(frozen=True)
class Guard:
    """One installation's guard, shared by the threads of a process. `clock` in seconds, for the age of its counts."""

    policy: GuardPolicy = field(default_factory=GuardPolicy)
    clock: Callable[[], float] = time.monotonic
    _counted: dict[Channel, tuple[float, list[tuple[Preferences, int]]]] = field(default_factory=dict, init=False)
    _counting: Lock = field(default_factory=Lock, init=False)

    def reach(self, connection: Connection, channel: Channel, incident: Incident, status: Status) -> int:
        """Return how many recipients of a channel news of an incident concerns, by what they chose."""
        scope = Scope(impact=incident.impact, components=incident.component_keys)
        closes = status.closes or status is Status.POSTMORTEM
        return reach_of(self._people(connection, channel), channel, scope, closes=closes)

    def holds(
        self, connection: Connection, channel: Channel, incident: Incident, status: Status, *, guarded: bool
    ) -> bool:
        """Whether a notification that is being decided waits for a person. `guarded`: as of one of its updates."""
        counts = self.policy.hold_above is not None
        number = self.reach(connection, channel, incident, status) if counts else 0
        waits = held.is_any(connection, incident.id, channel)
        return is_held(self.policy, reach=number, guarded=guarded and self.policy.needs_announce, earlier_held=waits)

    def _people(self, connection: Connection, channel: Channel) -> list[tuple[Preferences, int]]:
        with self._counting:
            begun = self.clock()
            known = self._counted.get(channel)
            if known is not None and begun < known[0]:
                return known[1]
            found = reach.listeners(connection, channel)
            ended = self.clock()
            self._counted[channel] = (ended + _SHARE * (ended - begun), found)
        return found
