"""Batches: the unit of lease and attempt. One short transaction claims, another records."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    Update,
    and_,
    bindparam,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from notifier.domain.values import ACCEPTED, Channel, DeliveryState, QueueName, Reason
from notifier.storage import tables as t
from notifier.storage.database.types import AnyRow, Instant

_NOTIFICATION_SHIFT = 32
_EXTRA_BIT = 1 << 31  # set in the ids of batches not created by planning
_PLACES = (1 << _NOTIFICATION_SHIFT) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A claimed batch.

    `unknown`: an earlier attempt may have succeeded. `met_fault`: the last attempt ended with a
    fault of our own before anything was sent.
    """

    id: int
    notification_id: int
    channel: Channel
    queue: Annotated[QueueName, Field(alias="lane")]  # its name in outcome files and in the table
    locale: str
    since: int
    size: int
    attempts: int  # includes this one
    needs_recheck: Annotated[bool, Field(alias="settle")]  # its name in outcome files and in the table
    unknown: bool
    provider: str | None
    lease_until: datetime | None = None
    met_fault: bool = False


def extra_id(notification_id: int) -> int:
    """Return an id for a batch created after planning (a retry, a half).

    Never collides with an id from planning.
    """
    return (notification_id << _NOTIFICATION_SHIFT) | _EXTRA_BIT | secrets.randbits(31)


def is_extra(batch_id: int) -> bool:
    """Whether a batch was created after planning."""
    return bool(batch_id & _EXTRA_BIT)


def place_of(batch_id: int) -> int:
    """Return a batch's index within its audience.

    As long as the audience is unchanged, the same index covers the same recipients in every
    notification.
    """
    return batch_id & _PLACES


def _is_fresh() -> ColumnElement[bool]:
    return and_(t.batch.c.attempts == 0, t.batch.c.reason.is_(None))


@cache
def _untried() -> Select[Any]:
    b = t.batch.c
    of = and_(b.notification_id == bindparam("of"), b.channel == bindparam("channel"))
    return select(b.id).where(of, b.state == DeliveryState.QUEUED.value, _is_fresh()).order_by(b.id)


def untried_siblings(connection: Connection, batch_id: int, channel: Channel) -> Sequence[int]:
    """Return the notification's batches that wait for their first attempt, in order.

    Includes the batch itself. Empty if the notification belongs to another channel.
    """
    values = {"of": batch_id >> _NOTIFICATION_SHIFT, "channel": channel.value}
    return connection.execute(_untried(), values).scalars().all()


@cache
def _claim() -> ReturningUpdate[Any]:
    b = t.batch.c
    due = or_(b.due_at <= bindparam("now", type_=Instant), _is_fresh())
    return (
        update(t.batch)
        .where(b.id == bindparam("this"), b.state == DeliveryState.QUEUED.value, due)
        .values(state=DeliveryState.SENDING.value, attempts=b.attempts + 1)
        .returning(t.batch)
    )


def claim(connection: Connection, batch_id: int, *, owner: str, now: datetime, lease: timedelta) -> Batch | None:
    """Claim a batch that is due; None if it is claimed, finished, replaced or not due yet.

    A first attempt is always due. If it was planned while the clock ran ahead, it must not wait for
    that time.
    """
    until = now + lease
    values = {"this": batch_id, "now": now, "lease_owner": owner, "lease_until": until, "due_at": until}
    row = connection.execute(_claim(), values).one_or_none()
    return None if row is None else from_row(row)


def from_row(row: AnyRow) -> Batch:
    """Convert a row of `batch`."""
    return Batch(
        id=row.id,
        notification_id=row.notification_id,
        channel=Channel(row.channel),
        queue=QueueName(row.lane),
        locale=row.locale,
        since=row.since,
        size=row.size,
        attempts=row.attempts,
        needs_recheck=row.settle,
        unknown=row.reason == Reason.OUTCOME_UNKNOWN.value,
        provider=row.provider,
        lease_until=row.lease_until,
        met_fault=row.reason == Reason.FAULT.value,
    )


def _is_held() -> ColumnElement[bool]:
    """Whether this attempt still has the lease.

    A suspended process may hold a stale claim: the batch may have been claimed again since.
    """
    b = t.batch.c
    return and_(_this_attempt(), b.state == DeliveryState.SENDING.value, b.lease_owner == bindparam("by"))


def _counts_acceptance() -> ColumnElement[bool]:
    """Whether a report that this attempt was accepted still counts: nobody has tried since.

    True if the lease is valid, if the provider's events confirmed the batch before its worker
    could, or if the lease was revoked and the outcome of this attempt resolves the doubt.
    """
    b = t.batch.c
    confirmed = and_(b.state == DeliveryState.ACCEPTED.value, b.lease_owner == bindparam("by"))
    in_doubt = and_(b.state == DeliveryState.QUEUED.value, b.reason == Reason.OUTCOME_UNKNOWN.value)
    return or_(_is_held(), and_(_this_attempt(), or_(confirmed, in_doubt)))


def _this_attempt() -> ColumnElement[bool]:
    return and_(t.batch.c.id == bindparam("this"), t.batch.c.attempts == bindparam("attempt"))


def _of(batch: Batch, owner: str) -> dict[str, Any]:
    """Return the parameters of the conditions above."""
    return {"this": batch.id, "attempt": batch.attempts, "by": owner}


@cache
def _held(*, lock: bool) -> Select[Any]:
    found = select(t.batch.c.id).where(_is_held())
    return found.with_for_update() if lock else found


@cache
def _lock_if_acceptance_counts() -> Select[Any]:
    return select(t.batch.c.id).where(_counts_acceptance()).with_for_update()


@cache
def _finish(*, accepted: bool) -> Update:
    return update(t.batch).where(_counts_acceptance() if accepted else _is_held()).values(due_at=None, lease_until=None)


@cache
def _release() -> Update:
    b = t.batch.c
    attempts = b.attempts - bindparam("taken_back", type_=Integer)
    return update(t.batch).where(_is_held()).values(attempts=attempts, lease_until=None, lease_owner=None)


def is_held(connection: Connection, batch: Batch, owner: str, *, lock: bool = False) -> bool:
    """Whether `owner` still holds a claimed batch. `lock`: locked for this transaction."""
    return connection.execute(_held(lock=lock), _of(batch, owner)).one_or_none() is not None


def counts_acceptance(connection: Connection, batch: Batch, owner: str) -> bool:
    """Whether an attempt may still be recorded as accepted. Locks the batch."""
    return connection.execute(_lock_if_acceptance_counts(), _of(batch, owner)).one_or_none() is not None


def finish(
    connection: Connection,
    batch: Batch,
    owner: str,
    *,
    state: DeliveryState,
    reason: Reason | None,
    now: datetime,
    provider: str | None = None,
    provider_message_id: str | None = None,
) -> bool:
    """Record the end of a batch; False if the lease was lost and another result was recorded."""
    values = {
        "state": state.value,
        "reason": reason.value if reason else None,
        "provider": provider,
        "provider_message_id": provider_message_id,
        "finished_at": now,
    }
    statement = _finish(accepted=state in ACCEPTED)
    return connection.execute(statement, _of(batch, owner) | values).rowcount == 1


def release(
    connection: Connection,
    batch: Batch,
    owner: str,
    *,
    due_at: datetime,
    now: datetime,
    reason: Reason | None,
    queue: QueueName | None = None,
    counts: bool = True,
    provider: str | None = None,
) -> bool:
    """Return a batch to the queue, due later.

    `counts`: False takes back the attempt that claiming counted. `provider`: the provider that may
    have accepted the batch, if the outcome is unknown.
    """
    values = {
        "taken_back": 0 if counts else 1,
        "state": DeliveryState.QUEUED.value,
        "reason": reason.value if reason else None,
        "due_at": due_at,
        "nudged_at": now,
        "lane": (queue or batch.queue).value,
        "provider": provider or batch.provider,
    }
    return connection.execute(_release(), _of(batch, owner) | values).rowcount == 1


def add(
    connection: Connection,
    batch: Batch,
    *,
    size: int,
    due_at: datetime,
    queue: QueueName,
    since: int | None = None,
    attempts: int = 0,
    reason: Reason | None = None,
    enqueued_at: datetime | None = None,
) -> int:
    """Add a queued batch like `batch` for some of its recipients; returns its id."""
    number = extra_id(batch.notification_id)
    connection.execute(
        t.batch.insert().values(
            id=number,
            notification_id=batch.notification_id,
            channel=batch.channel.value,
            lane=queue.value,
            locale=batch.locale,
            since=batch.since if since is None else since,
            size=size,
            state=DeliveryState.QUEUED.value,
            reason=reason.value if reason else None,
            settle=False,
            due_at=due_at,
            nudged_at=enqueued_at,
            attempts=attempts,
            provider=batch.provider,
        )
    )
    return number


def settle(connection: Connection, batch_id: int, *, since: int, size: int) -> None:
    """Record that a batch's recipients were rechecked.

    `size`: how many remain. `since`: the sequence since which they have not been notified.
    """
    values = {"settle": False, "since": since, "size": size}
    connection.execute(update(t.batch).where(t.batch.c.id == batch_id).values(values))


def confirm(
    connection: Connection, attempts: Mapping[int, int], notification_ids: Collection[int], now: datetime
) -> int:
    """Mark batches as accepted whose provider reported on a mail of an unanswered attempt.

    It does not matter whether the answer may still come. A provider accepts a request as a whole,
    so one event proves all of it.

    Args:
        connection: In a write transaction.
        attempts: By batch id, the number of the attempt that an event named.
        notification_ids: The notifications of the events' own deliveries.
        now: Aware UTC instant.

    Returns:
        How many recipients were in doubt and need no further attempt.
    """
    b = t.batch.c
    lost = and_(b.state == DeliveryState.QUEUED.value, b.reason == Reason.OUTCOME_UNKNOWN.value)
    values = {"state": DeliveryState.ACCEPTED.value, "reason": None, "due_at": None, "lease_until": None}
    confirmed = 0
    for number, attempt in sorted(attempts.items()):
        ours = and_(b.id == number, b.notification_id.in_(notification_ids), b.attempts >= attempt)
        accepted = update(t.batch).values(**values, finished_at=now).returning(b.size)
        confirmed += sum(connection.execute(accepted.where(ours, lost)).scalars())
        connection.execute(accepted.where(ours, b.state == DeliveryState.SENDING.value))
    return confirmed
