"""Batches that wait for a provider or an account."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, case, or_, select, update

from notifier.domain.values import Channel, DeliveryState, QueueName, Reason
from notifier.storage import tables as t

_B = t.batch.c


class Waiting(NamedTuple):
    """A waiting batch."""

    id: int
    queue: QueueName
    size: int


def smallest(
    connection: Connection, whose: ColumnElement[bool], reasons: Collection[Reason], now: datetime, *, longest: bool
) -> Waiting | None:
    """Return the smallest batch that waits for a provider or its first attempt.

    `longest`: return the one due longest instead, so that a batch that has just been a probe goes
    to the back.
    """
    fresh = and_(_B.reason.is_(None), _B.due_at <= now)
    order = [_B.due_at, _B.id] if longest else [_B.size, _B.id]
    statement = (
        select(_B.id, _B.lane, _B.size)
        .where(whose, _B.state == DeliveryState.QUEUED.value, or_(_among(reasons), fresh))
        .order_by(*order)
        .limit(1)
    )
    row = connection.execute(statement).one_or_none()
    return None if row is None else Waiting(row.id, QueueName(row.lane), row.size)


def due_now(
    connection: Connection,
    whose: ColumnElement[bool],
    reasons: Collection[Reason],
    now: datetime,
    *,
    enqueued: int,
    queue: QueueName,
) -> list[Waiting]:
    """Make due what waits for a provider, mark the first `nudged` as enqueued, and return those.

    The sweep enqueues the rest within a second. These batches are as fresh as when they failed, so
    they leave by `queue` rather than the queue of retries.
    """
    waits = and_(whose, _B.state == DeliveryState.QUEUED.value, _among(reasons), _B.due_at > now)
    by = case((_B.lane == QueueName.RETRY.value, queue.value), else_=_B.lane)
    connection.execute(update(t.batch).where(waits).values(due_at=now, lane=by))
    due = and_(whose, _B.state == DeliveryState.QUEUED.value, _among(reasons), _B.due_at == now)
    some = select(_B.id).where(due).order_by(_B.id).limit(enqueued)
    statement = update(t.batch).where(_B.id.in_(some)).values(nudged_at=now).returning(_B.id, _B.lane, _B.size)
    return sorted(Waiting(row.id, QueueName(row.lane), row.size) for row in connection.execute(statement))


def hurry(connection: Connection, batch_id: int, now: datetime) -> None:
    """Make one waiting batch due and mark it as enqueued; the caller enqueues it."""
    queued = and_(_B.id == batch_id, _B.state == DeliveryState.QUEUED.value)
    connection.execute(update(t.batch).where(queued).values(due_at=now, nudged_at=now))


def of_mail() -> ColumnElement[bool]:
    """All mail: it waits for whichever provider recovers first."""
    return _B.channel == Channel.EMAIL.value


def of_account(name: str) -> ColumnElement[bool]:
    """The posts of one account; planning gives each account batches of its own."""
    d, a = t.delivery.c, t.account.c
    own = select(d.batch_id).join(t.account, a.id == d.recipient_id).where(a.name == name, d.batch_id == _B.id)
    return and_(_B.channel == Channel.SOCIAL.value, own.exists())


def _among(reasons: Collection[Reason]) -> ColumnElement[bool]:
    return _B.reason.in_([reason.value for reason in sorted(reasons)])
