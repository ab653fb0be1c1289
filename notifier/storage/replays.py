"""Statements that make finished deliveries due again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update

from notifier.domain.values import Channel, DeliveryState
from notifier.storage import tables as t

_AGAIN: dict[str, Any] = {
    "state": DeliveryState.QUEUED.value,
    "reason": None,
    "attempts": 0,
    "replays": func.coalesce(t.delivery.c.replays, 0) + 1,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """What is sent again: deliveries in one of `states`, decided from `since` on and before `until`."""

    states: Sequence[str]
    since: datetime | None = None
    until: datetime | None = None


def endpoint_number(connection: Connection, public_id: str) -> int | None:
    """Return the ledger's number of an endpoint."""
    return connection.execute(select(t.endpoint.c.id).where(t.endpoint.c.public_id == public_id)).scalar_one_or_none()


def of_notification(connection: Connection, number: int, what: Again, now: datetime, *, key: int | None = None) -> int:
    """Queue again deliveries of a notification, or the one of recipient `key`; returns how many."""
    d = t.delivery.c
    wanted: ColumnElement[bool] = d.notification_id == number
    return _queue(connection, and_(wanted, d.recipient_key == key) if key is not None else wanted, what, now)


def of_channel(
    connection: Connection, channel: Channel, what: Again, now: datetime, *, recipient_key: int | None = None
) -> int:
    """Queue again what was sent on a channel, to everybody or to one recipient; returns how many deliveries."""
    n, d = t.notification.c, t.delivery.c
    wanted: ColumnElement[bool] = d.notification_id.in_(select(n.id).where(n.channel == channel.value))
    if recipient_key is not None:
        wanted = and_(wanted, d.recipient_key == recipient_key)
    return _queue(connection, wanted, what, now)


def _queue(connection: Connection, wanted: ColumnElement[bool], what: Again, now: datetime) -> int:
    n, d, b = t.notification.c, t.delivery.c, t.batch.c
    shared = select(b.id).where(b.id == d.batch_id, b.state.in_(what.states)).exists()
    conditions = [wanted, or_(d.state.in_(what.states), and_(d.state.is_(None), shared))]
    if what.since is not None:
        conditions.append(d.notification_id.in_(select(n.id).where(n.created_at >= what.since)))
    if what.until is not None:
        conditions.append(d.notification_id.in_(select(n.id).where(n.created_at < what.until)))
    return connection.execute(
        update(t.delivery).where(*conditions).values(**_AGAIN, due_at=now, updated_at=now)
    ).rowcount
