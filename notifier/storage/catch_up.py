"""What an endpoint missed while it failed or was disabled: made due again, all of it or the newest of each incident."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select, update

from notifier.domain.values import Channel, DeliveryState, Reason
from notifier.storage import tables as t


def catch_up(connection: Connection, endpoint_id: int, since: datetime, now: datetime, *, latest_only: bool) -> int:
    """Make due what an endpoint missed since then, in the order of each incident; returns how many messages.

    The deliveries keep their ids: an endpoint that took one after all, and whose answer got lost, knows it again.
    """
    d, n = t.delivery.c, t.notification.c
    missed = and_(
        d.recipient_key == endpoint_id,
        d.notification_id.in_(select(n.id).where(n.channel == Channel.WEBHOOK.value, n.created_at >= since)),
        or_(
            and_(d.state == DeliveryState.CANCELED.value, d.reason == Reason.ENDPOINT_DISABLED.value),
            and_(d.state == DeliveryState.FAILED.value, d.reason == Reason.GAVE_UP.value),
        ),
    )
    if latest_only:
        newest = (
            select(func.max(n.id))
            .join(t.delivery, d.notification_id == n.id)
            .where(d.recipient_key == endpoint_id, n.channel == Channel.WEBHOOK.value, n.created_at >= since)
            .group_by(n.incident_id)
        )
        newest_ids = list(connection.execute(newest).scalars())
        replaced: dict[str, Any] = {
            "state": DeliveryState.SUPERSEDED.value,
            "reason": Reason.NEWER_UPDATE.value,
            "updated_at": now,
        }
        connection.execute(update(t.delivery).where(missed, d.notification_id.not_in(newest_ids)).values(**replaced))
    again: dict[str, Any] = {
        "state": DeliveryState.QUEUED.value,
        "reason": None,
        "attempts": 0,
        "due_at": now,
        "updated_at": now,
    }
    return connection.execute(update(t.delivery).where(missed).values(**again)).rowcount
