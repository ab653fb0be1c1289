"""Queries that find finished deliveries and make them due again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select, update

from notifier.domain.values import Channel, DeliveryState
from notifier.storage import tables as t
from notifier.storage.incidents.timeline import SHOWN

_AGAIN: dict[str, Any] = {
    "state": DeliveryState.QUEUED.value,
    "reason": None,
    "attempts": 0,
    "replays": func.coalesce(t.delivery.c.replays, 0) + 1,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """What to replay: deliveries in one of `states`, decided from `since` on and before `until`."""

    states: Sequence[str]
    since: datetime | None = None
    until: datetime | None = None


def endpoint_number(connection: Connection, public_id: str) -> int | None:
    """Return an endpoint's internal id."""
    return connection.execute(select(t.endpoint.c.id).where(t.endpoint.c.public_id == public_id)).scalar_one_or_none()


def of_notification(notification_id: int, *, key: int | None = None) -> ColumnElement[bool]:
    """Select a notification's deliveries, or only that of recipient `key`."""
    d = t.delivery.c
    wanted: ColumnElement[bool] = d.notification_id == notification_id
    return wanted if key is None else and_(wanted, d.recipient_key == key)


def of_channel(channel: Channel, *, recipient_key: int | None = None) -> ColumnElement[bool]:
    """Select a channel's deliveries, to all recipients or to one."""
    n, d = t.notification.c, t.delivery.c
    wanted: ColumnElement[bool] = d.notification_id.in_(select(n.id).where(n.channel == channel.value))
    return wanted if recipient_key is None else and_(wanted, d.recipient_key == recipient_key)


def count(connection: Connection, wanted: ColumnElement[bool], what: Again) -> int:
    """Count the deliveries to replay."""
    statement = select(func.count()).select_from(t.delivery).where(*_conditions(wanted, what))
    return int(connection.execute(statement).scalar_one())


def queue(connection: Connection, wanted: ColumnElement[bool], what: Again, now: datetime) -> int:
    """Make deliveries due again; returns how many."""
    statement = update(t.delivery).where(*_conditions(wanted, what))
    return connection.execute(statement.values(**_AGAIN, due_at=now, updated_at=now)).rowcount


def _conditions(wanted: ColumnElement[bool], what: Again) -> list[ColumnElement[bool]]:
    n, d, b = t.notification.c, t.delivery.c, t.batch.c
    shared = select(b.id).where(b.id == d.batch_id, b.state.in_(what.states)).exists()
    conditions: list[ColumnElement[bool]] = [
        wanted,
        or_(d.state.in_(what.states), and_(d.state.is_(None), shared)),
        d.notification_id.not_in(_revealing()),
    ]
    if what.since is not None:
        conditions.append(d.notification_id.in_(select(n.id).where(n.created_at >= what.since)))
    if what.until is not None:
        conditions.append(d.notification_id.in_(select(n.id).where(n.created_at < what.until)))
    return conditions


def _revealing() -> Select[Any]:
    """Select the notifications that contain an update that is hidden or held."""
    n, a, u = t.notification.c, t.announcement.c, t.incident_update.c
    announced = and_(a.incident_id == n.incident_id, a.channel == n.channel, a.sequence <= n.sequence)
    named = and_(u.incident_id == a.incident_id, u.id == a.update_id)
    return select(n.id).join(t.announcement, announced).join(t.incident_update, named).where(~SHOWN)
