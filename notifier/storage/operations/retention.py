"""Retention: delete old rows a bounded number at a time, so that no other writer waits long.

A notification keeps its delivery counts per language and state; keys, addresses and answers are
deleted.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, exists, func, or_, select

from notifier.domain.values import PENDING, Status
from notifier.storage import tables as t
from notifier.storage.database.dialect import insert

_ENDED = tuple(status.value for status in Status if status.is_over)


def next_notification(connection: Connection, before: datetime) -> int | None:
    """Return a notification whose deliveries may be deleted.

    Its incident has ended and had its last update before `before`. While an incident is open, its
    deliveries record who was notified of the beginning, however long ago.
    """
    n, i, b, r = t.notification.c, t.incident.c, t.batch.c, t.plan_range.c
    rows_left = or_(exists().where(b.notification_id == n.id), exists().where(r.notification_id == n.id))
    in_hand = exists().where(b.notification_id == n.id, b.state.in_(PENDING))
    statement = (
        select(n.id)
        .join(t.incident, i.id == n.incident_id)
        .where(n.created_at < before, i.updated_at < before, i.status.in_(_ENDED), rows_left, ~in_hand)
        .order_by(n.id)
        .limit(1)
    )
    number = connection.execute(statement).scalar_one_or_none()
    return None if number is None else int(number)


def keep_numbers(connection: Connection, notification_id: int) -> None:
    """Count a notification's deliveries by language and state, before the first is deleted."""
    p, b, d = t.pruned.c, t.batch.c, t.delivery.c
    if connection.execute(select(p.state).where(p.notification_id == notification_id).limit(1)).one_or_none():
        return
    state = func.coalesce(d.state, b.state)
    counted = (
        select(d.notification_id, b.locale, state, func.count())
        .join(t.batch, b.id == d.batch_id)
        .where(d.notification_id == notification_id)
        .group_by(d.notification_id, b.locale, state)
    )
    columns = ["notification_id", "locale", "state", "deliveries"]
    connection.execute(insert(connection, t.pruned).from_select(columns, counted).on_conflict_do_nothing())


def remove_deliveries(connection: Connection, notification_id: int, limit: int) -> int:
    """Delete up to `limit` deliveries of a notification; returns the count."""
    d = t.delivery.c
    mine = d.notification_id == notification_id
    beyond = select(d.recipient_key).where(mine).order_by(d.recipient_key).offset(limit).limit(1)
    edge = connection.execute(beyond).scalar_one_or_none()
    some = mine if edge is None else and_(mine, d.recipient_key < edge)
    return connection.execute(delete(t.delivery).where(some)).rowcount


def remove_attempts(connection: Connection, notification_id: int, limit: int) -> int:
    """Delete up to `limit` attempts of a notification; returns the count."""
    return _remove_some(connection, t.attempt, t.attempt.c.id, t.attempt.c.notification_id == notification_id, limit)


def remove_frame(connection: Connection, notification_id: int) -> int:
    """Delete a notification's batches, verdicts, ranges and limit records; it stays.

    Returns rows.
    """
    tables = (t.verdict, t.batch, t.plan_range, t.limited_message)
    return sum(
        connection.execute(delete(table).where(table.c.notification_id == notification_id)).rowcount for table in tables
    )


def remove_events(connection: Connection, before: datetime, limit: int) -> int:
    """Delete the ids of events submitted before then; returns the count."""
    return _remove_some(connection, t.event, t.event.c.id, t.event.c.received_at < before, limit)


def remove_provider_events(connection: Connection, before: datetime, limit: int) -> int:
    """Delete provider events received before then; returns the count."""
    e = t.provider_event.c
    return _remove_some(connection, t.provider_event, e.id, e.received_at < before, limit)


def remove_audit_entries(connection: Connection, before: datetime, limit: int) -> int:
    """Delete audit entries older than that; returns the count."""
    return _remove_some(connection, t.audit_entry, t.audit_entry.c.id, t.audit_entry.c.at < before, limit)


def _remove_some(
    connection: Connection,
    table: Table,
    key: ColumnElement[int] | ColumnElement[str],
    old: ColumnElement[bool],
    limit: int,
) -> int:
    some = select(key).where(old).limit(limit)
    return connection.execute(delete(table).where(key.in_(some))).rowcount


def numbers_of(connection: Connection, notifications: list[int]) -> dict[int, dict[str, int]]:
    """Return the stored counts of pruned notifications: deliveries by state."""
    p = t.pruned.c
    statement = (
        select(p.notification_id, p.state, func.sum(p.deliveries).label("number"))
        .where(p.notification_id.in_(notifications))
        .group_by(p.notification_id, p.state)
    )
    found: dict[int, dict[str, int]] = {}
    for row in connection.execute(statement):
        found.setdefault(row.notification_id, {})[row.state] = int(row.number)
    return found
