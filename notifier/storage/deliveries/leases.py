"""Leases that end without a result: they expired, or their worker died."""

from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Connection, and_, case, literal, select, type_coerce, update

from notifier.domain.values import Channel, DeliveryState, Reason
from notifier.storage import tables as t
from notifier.storage.database.types import to_micros

_MICROSECOND = timedelta(microseconds=1)


def has_expired_lease(connection: Connection, now: datetime) -> bool:
    """Whether a lease has expired: some worker died during an attempt."""
    b = t.batch.c
    statement = select(b.id).where(b.state == DeliveryState.SENDING.value, b.due_at <= now).limit(1)
    return connection.execute(statement).one_or_none() is not None


def has_leases(connection: Connection, owner: str) -> bool:
    """Whether a worker holds any lease."""
    b = t.batch.c
    statement = select(b.id).where(b.state == DeliveryState.SENDING.value, b.lease_owner == owner).limit(1)
    return connection.execute(statement).first() is not None


def expire_leases(
    connection: Connection,
    now: datetime,
    limit: int,
    *,
    mail_waits: timedelta,
    owner: str | None = None,
) -> list[tuple[int, Channel, int]]:
    """Release batches whose lease has expired, or all of `owner`: their outcome is unknown.

    `mail_waits`: how long after its lease ended mail waits for the provider's events; may be
    negative. Returns (id, channel, size).
    """
    b = t.batch.c
    lost = (
        select(b.id)
        .where(b.state == DeliveryState.SENDING.value, b.due_at <= now if owner is None else b.lease_owner == owner)
        .order_by(b.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    evidence = type_coerce(b.lease_until, BigInteger) + mail_waits // _MICROSECOND
    waits = and_(b.channel == Channel.EMAIL.value, evidence > to_micros(now))
    statement = (
        update(t.batch)
        .where(b.id.in_(lost), b.state == DeliveryState.SENDING.value)
        .values(
            state=DeliveryState.QUEUED.value,
            reason=Reason.OUTCOME_UNKNOWN.value,
            due_at=case((waits, evidence), else_=literal(to_micros(now), BigInteger())),
            nudged_at=None,
            lease_until=None,
            lease_owner=None,
        )
        .returning(b.id, b.channel, b.size)
    )
    return [(row.id, Channel(row.channel), row.size) for row in connection.execute(statement)]
