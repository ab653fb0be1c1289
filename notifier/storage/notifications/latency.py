"""Latency from a decision to the first and last recipient, from accepted batches."""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import Connection, func, select

from notifier.domain.values import ACCEPTED, Channel
from notifier.storage import tables as t

_NEWEST = 20


def first_and_last(connection: Connection) -> Mapping[Channel, tuple[timedelta, timedelta]]:
    """Return, per channel, its newest notification's time to the first and last accepted batch.

    Notifications that reached nobody do not count. Reads only the newest ones, however many are
    stored.
    """
    n, b = t.notification.c, t.batch.c
    found = {}
    for channel in Channel:
        newest = select(n.id).where(n.channel == channel.value).order_by(n.id.desc()).limit(_NEWEST)
        statement = (
            select(n.created_at, func.min(b.finished_at).label("first"), func.max(b.finished_at).label("last"))
            .join(t.batch, b.notification_id == n.id)
            .where(n.id.in_(newest), b.state.in_(ACCEPTED), b.finished_at.is_not(None))
            .group_by(n.id, n.created_at)
            .order_by(n.id.desc())
            .limit(1)
        )
        row = connection.execute(statement).one_or_none()
        if row is not None:
            found[channel] = row.first - row.created_at, row.last - row.created_at
    return found
