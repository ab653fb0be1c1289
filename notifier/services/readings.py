"""Readings for metrics: one cheap look at the ledger and the broker."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from notifier.domain.values import Lane
from notifier.services.ports import Clock
from notifier.storage import alarms, batches, counts, posts, tallies
from notifier.storage.engine import Database

Counted = Mapping[tuple[str, ...], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What was found, each by the labels its comment names."""

    batches: Counted = field(default_factory=dict)  # lane, state
    overdue: Counted = field(default_factory=dict)  # lane: seconds the oldest due batch waits
    incidents: Counted = field(default_factory=dict)  # status
    notifications: Counted = field(default_factory=dict)  # channel, state
    tallies: Counted = field(default_factory=dict)  # name, label
    alarms: Counted = field(default_factory=dict)  # what stopped: seconds since
    queue: Counted = field(default_factory=dict)  # lane: messages in the broker
    posts: Counted = field(default_factory=dict)  # account: posts published
    spent: Counted = field(default_factory=dict)  # account: US dollars that its posts cost


@dataclass(frozen=True)
class ReadMetrics:
    """Look at the ledger; `depths` asks the broker and is empty when that does not say."""

    database: Database
    clock: Clock
    depths: Callable[[], Mapping[Lane, int]]

    def __call__(self) -> Readings:
        """Return what is there now.

        Raises:
            UnavailableError: the database does not answer.
        """
        now = self.clock()
        with self.database.read() as connection:
            waiting = batches.open_batches(connection)
            incidents = counts.incidents_by_status(connection)
            notifications = counts.notifications_by_state(connection)
            standing = alarms.current(connection)
            spending = posts.spending(connection)
            counted = tallies.counted(connection)
        overdue: dict[tuple[str, ...], float] = defaultdict(float)
        for (lane, _), (_, oldest) in waiting.items():
            late = (now - oldest).total_seconds() if oldest else 0.0
            overdue[lane,] = max(overdue[lane,], late)
        return Readings(
            batches={key: number for key, (number, _) in waiting.items()},
            overdue=overdue,
            incidents={(status,): number for status, number in incidents.items()},
            notifications=notifications,
            tallies=dict(counted.items()),
            alarms={(row.key,): (now - row.since).total_seconds() for row in standing},
            posts={(account,): number for account, (number, _, _) in spending.items()},
            spent={(account,): float(dollars) for account, (_, _, dollars) in spending.items()},
            queue={(lane.value,): number for lane, number in self.depths().items()},
        )
