"""Statements that make finished deliveries due again."""

from collections.abc import Sequence
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


def endpoint_number(connection: Connection, public_id: str) -> int | None:
    """Return the ledger's number of an endpoint."""
    return connection.execute(select(t.endpoint.c.id).where(t.endpoint.c.public_id == public_id)).scalar_one_or_none()


def of_notification(
    connection: Connection, number: int, states: Sequence[str], now: datetime, *, key: int | None = None
) -> int:
    """Queue again the deliveries of a notification that are in one of `states`; returns how many."""
    d = t.delivery.c
    wanted = and_(d.notification_id == number, _in_states(states))
    if key is not None:
        wanted = and_(wanted, d.recipient_key == key)
    return connection.execute(update(t.delivery).where(wanted).values(**_AGAIN, due_at=now, updated_at=now)).rowcount


def of_endpoint(
    connection: Connection, endpoint_id: int, states: Sequence[str], since: datetime | None, now: datetime
) -> int:
    """Queue again what an endpoint was sent (since a moment); returns how many deliveries."""
    n, d = t.notification.c, t.delivery.c
    numbers = select(n.id).where(n.channel == Channel.WEBHOOK.value)
    if since is not None:
        numbers = numbers.where(n.created_at >= since)
    wanted = and_(d.notification_id.in_(numbers), d.recipient_key == endpoint_id, _in_states(states))
    return connection.execute(update(t.delivery).where(wanted).values(**_AGAIN, due_at=now, updated_at=now)).rowcount


def _in_states(states: Sequence[str]) -> ColumnElement[bool]:
    d, b = t.delivery.c, t.batch.c
    shared = select(b.id).where(b.id == d.batch_id, b.state.in_(states)).exists()
    return or_(d.state.in_(states), and_(d.state.is_(None), shared))
