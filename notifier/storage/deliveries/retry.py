"""Retry: make due what waits for another attempt, whole batches and detached deliveries."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update

from notifier.domain.values import Channel, DeliveryState, Reason
from notifier.storage import tables as t

_B, _D, _N = t.batch.c, t.delivery.c, t.notification.c
_QUEUED = DeliveryState.QUEUED.value


def waiting_batches(
    connection: Connection, whose: ColumnElement[bool], reasons: Collection[Reason], doubts: Collection[str]
) -> int:
    """Return how many recipients wait in batches; see `batches_due`."""
    statement = select(func.coalesce(func.sum(_B.size), 0)).where(whose, _waits(reasons, doubts))
    return int(connection.execute(statement).scalar_one())


def batches_due(
    connection: Connection,
    whose: ColumnElement[bool],
    reasons: Collection[Reason],
    doubts: Collection[str],
    now: datetime,
) -> int:
    """Make batches due that wait for one of `reasons`, or are in doubt on a channel of `doubts`.

    Returns their number of recipients. The sweep enqueues them within a second.
    """
    statement = update(t.batch).where(whose, _waits(reasons, doubts), _B.due_at > now).values(due_at=now)
    return sum(connection.execute(statement.returning(_B.size)).scalars())


def deliveries_due(
    connection: Connection,
    whose: ColumnElement[bool],
    reasons: Collection[Reason],
    doubts: Collection[str],
    now: datetime,
) -> int:
    """Make detached deliveries due that wait for these reasons; returns how many."""
    in_doubt = select(_N.id).where(_N.channel.in_(doubts))
    waits = or_(
        _D.reason.in_([reason.value for reason in reasons]),
        and_(_D.reason == Reason.OUTCOME_UNKNOWN.value, _D.notification_id.in_(in_doubt)),
    )
    mine = and_(whose, _D.state == _QUEUED, _D.due_at > now, waits)
    return connection.execute(update(t.delivery).where(mine).values(due_at=now)).rowcount


def _waits(reasons: Collection[Reason], doubts: Collection[str]) -> ColumnElement[bool]:
    known = _B.reason.in_([reason.value for reason in reasons])
    in_doubt = and_(_B.reason == Reason.OUTCOME_UNKNOWN.value, _B.channel.in_(doubts))
    return and_(_B.state == _QUEUED, or_(known, in_doubt))


def batches_of_notification(notification_id: int) -> ColumnElement[bool]:
    """Select one notification's batches."""
    return _B.notification_id == notification_id


def deliveries_of_notification(notification_id: int) -> ColumnElement[bool]:
    """Select one notification's deliveries."""
    return _D.notification_id == notification_id


def deliveries_by_mail() -> ColumnElement[bool]:
    """Select all mail deliveries."""
    return _D.notification_id.in_(select(_N.id).where(_N.channel == Channel.EMAIL.value))


def deliveries_of_endpoint(endpoint: int) -> ColumnElement[bool]:
    """Select one endpoint's deliveries: its batches contain others, so retries are its own rows."""
    hooks = select(_N.id).where(_N.channel == Channel.WEBHOOK.value)
    return and_(_D.recipient_key == endpoint, _D.notification_id.in_(hooks))
