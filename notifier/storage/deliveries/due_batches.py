"""Due and open batches: what the sweep enqueues, what metrics and health checks count."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, func, or_, select, update

from notifier.domain.values import PENDING, DeliveryState, QueueName
from notifier.storage import tables as t


def queues_with_due(connection: Connection, now: datetime) -> list[QueueName]:
    """Return the queues that have batches due."""
    b = t.batch.c
    statement = select(b.lane).distinct().where(b.state == DeliveryState.QUEUED.value, b.due_at <= now)
    return [QueueName(queue) for queue in connection.execute(statement).scalars()]


def has_first_attempts_due(connection: Connection, *, since: datetime, now: datetime) -> bool:
    """Whether first attempts that became due between `since` and `now` are still waiting."""
    b = t.batch.c
    fresh = [queue.value for queue in QueueName if not queue.is_low_priority]
    statement = (
        select(b.id)
        .where(b.state == DeliveryState.QUEUED.value, b.due_at.between(since, now), b.lane.in_(fresh))
        .limit(1)
    )
    return connection.execute(statement).one_or_none() is not None


def due_for_enqueue(
    connection: Connection, queue: QueueName, *, now: datetime, enqueued_before: datetime, limit: int
) -> list[int]:
    """Return due batches of a queue that were not enqueued recently, and mark them as enqueued."""
    b = t.batch.c
    forgotten = (
        select(b.id)
        .where(
            b.state == DeliveryState.QUEUED.value,
            b.lane == queue.value,
            b.due_at <= now,
            or_(b.nudged_at.is_(None), b.nudged_at < enqueued_before, b.nudged_at < b.due_at),
        )
        .order_by(b.due_at, b.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = update(t.batch).where(b.id.in_(forgotten)).values(nudged_at=now).returning(b.id)
    return sorted(int(number) for number in connection.execute(statement).scalars())


def open_batches(connection: Connection) -> Mapping[tuple[str, str], tuple[int, datetime | None]]:
    """Return, per (queue, state), the number of open batches and the oldest due time."""
    b = t.batch.c
    statement = (
        select(b.lane, b.state, func.count().label("number"), func.min(b.due_at).label("oldest"))
        .where(b.state.in_(PENDING))
        .group_by(b.lane, b.state)
    )
    return {(row.lane, row.state): (row.number, row.oldest) for row in connection.execute(statement)}
