"""Regroup: put detached deliveries that are due again into new batches."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NamedTuple

from notifier.domain.values import Channel, DeliveryState, QueueName, Reason
from notifier.services.isolation import UNGUARDED, Isolate
from notifier.services.ports import Clock, TaskQueue
from notifier.storage.database import Connection
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import batches, deliveries, webhook_batches
from notifier.storage.deliveries.batches import Batch
from notifier.storage.deliveries.deliveries import DeliveryOverride, DueDelivery

_LIMIT = 2_000
_SIZE = 500
# Deliveries that waited for these reasons did not fail: they keep the priority of first attempts.
_FRESH = frozenset({Reason.WAITING_FOR_EARLIER.value, Reason.QUIET_HOURS.value, Reason.HOURLY_LIMIT.value})
_QUEUES = {Channel.EMAIL: QueueName.EMAIL, Channel.SOCIAL: QueueName.SOCIAL, Channel.WEBHOOK: QueueName.WEBHOOK}


@dataclass(frozen=True)
class Regroup:
    """Create batches from due deliveries. Safe to run concurrently and repeatedly."""

    database: Database
    clock: Clock
    tasks: TaskQueue
    isolate: Isolate = UNGUARDED

    def run(self) -> int:
        """Regroup once; returns how many deliveries were put into new batches."""
        with self.database.read() as connection:
            due = deliveries.notifications_due(connection, self.clock(), _LIMIT)
        return sum(self._of(notification_id) for notification_id in due)

    def _of(self, notification_id: int) -> int:
        """Regroup a notification's due deliveries; on failure one by one, to isolate the fault."""
        number = self.isolate.run("gather", str(notification_id), partial(self._regroup, notification_id))
        if number is not None:
            return number
        with self.database.read() as connection:
            keys = deliveries.keys_due(connection, notification_id, self.clock(), _LIMIT)
        return sum(self._alone(notification_id, key) for key in keys)

    def _alone(self, notification_id: int, key: int) -> int:
        work, given_up = partial(self._regroup, notification_id, key), partial(self._give_up, notification_id, key)
        return self.isolate.run("delivery", f"{notification_id}-{key}", work, given_up) or 0

    def _regroup(self, notification_id: int, key: int | None = None) -> int:
        now = self.clock()
        made: list[tuple[QueueName, int]] = []
        with self.database.write() as connection:
            rows = deliveries.lock_due(connection, notification_id, now, _LIMIT, key=key)
            for like, members in _alike(rows).items():
                parts = [members[start : start + _SIZE] for start in range(0, len(members), _SIZE)]
                made += [_batch(connection, like, part, now) for part in parts]
        for queue, batch_id in made:
            self.tasks.attempt(queue, [batch_id])
        return len(rows)

    def _give_up(self, notification_id: int, key: int, connection: Connection) -> None:
        now = self.clock()
        ended = DeliveryOverride(recipient_key=key, state=DeliveryState.FAILED, reason=Reason.GAVE_UP)
        deliveries.detach(connection, notification_id, [ended], now)
        webhook_batches.unblock_some(connection, notification_id, [key], now)


class _Like(NamedTuple):
    """What the deliveries of one batch have in common; the grouping key."""

    notification_id: int
    channel: str
    locale: str
    since: int
    fresh: bool
    unknown: bool
    is_replay: bool


def _alike(rows: Sequence[DueDelivery]) -> dict[_Like, list[DueDelivery]]:
    groups: dict[_Like, list[DueDelivery]] = defaultdict(list)
    for row in rows:
        fresh, unknown = row.reason in _FRESH, row.reason == Reason.OUTCOME_UNKNOWN.value
        known = row.notification_id, row.channel, row.locale, row.since
        groups[_Like(*known, fresh, unknown, row.is_replay)].append(row)
    return groups


def _batch(connection: Connection, like: _Like, members: Sequence[DueDelivery], now: datetime) -> tuple[QueueName, int]:
    """Put deliveries into a new batch; returns its queue and id."""
    channel, number = Channel(like.channel), like.notification_id
    queue = _QUEUES[channel] if like.fresh else QueueName.RETRY
    batch_id = batches.add(
        connection,
        _like(number, channel, like.locale, like.since, queue),
        size=len(members),
        due_at=now,
        queue=queue,
        attempts=min(row.attempts for row in members),
        enqueued_at=now,
        reason=Reason.OUTCOME_UNKNOWN if like.unknown else None,
    )
    deliveries.move(connection, number, [row.recipient_key for row in members], batch_id, now=now)
    return queue, batch_id


def _like(notification_id: int, channel: Channel, locale: str, since: int, queue: QueueName) -> Batch:
    return Batch(
        id=0,
        notification_id=notification_id,
        channel=channel,
        queue=queue,
        locale=locale,
        since=since,
        size=0,
        attempts=0,
        needs_recheck=False,
        unknown=False,
        provider=None,
    )
