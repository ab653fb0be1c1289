"""Gather: deliveries that departed from their batches and are due again form new batches."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from notifier.domain.values import Channel, Lane, Reason
from notifier.services.ports import Clock, Nudge
from notifier.storage import batches, deliveries
from notifier.storage.batches import Batch
from notifier.storage.engine import Database

_LIMIT = 2_000
_SIZE = 500
# These wait their turn rather than repeat a failure: they go with the fresh ones.
_FRESH = frozenset({Reason.WAITING_FOR_EARLIER.value, Reason.QUIET_HOURS.value, Reason.HOURLY_LIMIT.value})
_LANES = {Channel.EMAIL: Lane.EMAIL, Channel.SOCIAL: Lane.SOCIAL, Channel.WEBHOOK: Lane.WEBHOOK}


@dataclass(frozen=True)
class Gather:
    """Make batches of what is due. Safe to run anywhere, any number of times."""

    database: Database
    clock: Clock
    nudge: Nudge

    def __call__(self) -> int:
        """Gather once; returns how many deliveries were put into new batches."""
        now = self.clock()
        made: list[tuple[Lane, int]] = []
        with self.database.read() as connection:
            if not deliveries.due(connection, now, 1, lock=False):
                return 0
        with self.database.write() as connection:
            rows = deliveries.due(connection, now, _LIMIT, lock=True)
            groups: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
            for row in rows:
                fresh = row.reason in _FRESH
                unknown = row.reason == Reason.OUTCOME_UNKNOWN.value
                like = row.notification_id, row.channel, row.locale, row.since
                groups[*like, fresh, unknown, row.is_replay].append(row)
            for (number, channel, locale, since, fresh, unknown, _), members in groups.items():
                lane = _LANES[Channel(channel)] if fresh else Lane.RETRY
                for start in range(0, len(members), _SIZE):
                    some = members[start : start + _SIZE]
                    batch = _like(number, Channel(channel), locale, since, lane)
                    tried = min(row.attempts or 0 for row in some)
                    batch_id = batches.add(
                        connection,
                        batch,
                        size=len(some),
                        due_at=now,
                        lane=lane,
                        attempts=tried,
                        nudged_at=now,
                        reason=Reason.OUTCOME_UNKNOWN if unknown else None,
                    )
                    deliveries.move(connection, number, [row.recipient_key for row in some], batch_id, now=now)
                    made.append((lane, batch_id))
        for lane, batch_id in made:
            self.nudge.attempt(lane, [batch_id])
        return len(rows)


def _like(notification_id: int, channel: Channel, locale: str, since: int, lane: Lane) -> Batch:
    return Batch(
        id=0,
        notification_id=notification_id,
        channel=channel,
        lane=lane,
        locale=locale,
        since=since,
        size=0,
        attempts=0,
        settle=False,
        unknown=False,
        provider=None,
    )
