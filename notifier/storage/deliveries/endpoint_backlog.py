"""The backlog of an endpoint that failed or was disabled: all of it, or only the newest."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update

from notifier.domain.values import Channel, DeliveryState, Reason
from notifier.storage import tables as t

MISSED_FOR = timedelta(days=60)
"""How long a disabled endpoint's missed messages are kept: as long as it is probed."""
_LOOK_BACK = timedelta(days=5)  # longer than the retries of any message
_MISSED = (Reason.GAVE_UP, Reason.GONE, Reason.SECRET)


def catch_up(
    connection: Connection,
    endpoint_id: int,
    since: datetime,
    now: datetime,
    *,
    latest_only: bool,
) -> int:
    """Make due what an endpoint missed since `since`, in order per incident; returns the count.

    That is what was canceled since it was disabled, what failed for an endpoint's own reason, and
    what waits for a retry. Deliveries keep their ids, so an endpoint that accepted one whose
    response was lost recognizes it.
    """
    d = t.delivery.c
    recent = _recent(since)
    disabled = and_(d.state == DeliveryState.CANCELED.value, d.reason == Reason.ENDPOINT_DISABLED.value)
    lost = and_(d.state == DeliveryState.FAILED.value, d.reason.in_([reason.value for reason in _MISSED]))
    ended = and_(or_(disabled, lost), d.updated_at >= since)
    waits = and_(d.state == DeliveryState.QUEUED.value, d.due_at > now)
    missed = and_(d.recipient_key == endpoint_id, d.notification_id.in_(recent), or_(ended, waits))
    if latest_only:
        _supersede(connection, endpoint_id, recent, missed, now)
    return _again(connection, missed, now)


def sign_again(connection: Connection, endpoint_id: int, now: datetime) -> int:
    """Make due what failed because the secret could not be decrypted; returns the count."""
    d = t.delivery.c
    unsigned = and_(d.state == DeliveryState.FAILED.value, d.reason == Reason.SECRET.value)
    mine = and_(d.recipient_key == endpoint_id, d.notification_id.in_(_recent(now - MISSED_FOR)))
    return _again(connection, and_(mine, unsigned), now)


def _again(connection: Connection, missed: ColumnElement[bool], now: datetime) -> int:
    again: dict[str, Any] = {
        "state": DeliveryState.QUEUED.value,
        "reason": None,
        "attempts": 0,
        "due_at": now,
        "updated_at": now,
    }
    return connection.execute(update(t.delivery).where(missed).values(**again)).rowcount


def _recent(since: datetime) -> Any:
    n = t.notification.c
    return select(n.id).where(n.channel == Channel.WEBHOOK.value, n.created_at >= since - _LOOK_BACK)


def _supersede(
    connection: Connection, endpoint_id: int, recent: Any, missed: ColumnElement[bool], now: datetime
) -> None:
    """Supersede what a newer message of the same incident also contains."""
    d, n = t.delivery.c, t.notification.c
    newest = (
        select(func.max(n.id))
        .join(t.delivery, d.notification_id == n.id)
        .where(d.recipient_key == endpoint_id, n.id.in_(recent))
        .group_by(n.incident_id)
    )
    newest_ids = list(connection.execute(newest).scalars())
    replaced: dict[str, Any] = {
        "state": DeliveryState.SUPERSEDED.value,
        "reason": Reason.NEWER_UPDATE.value,
        "due_at": None,
        "updated_at": now,
    }
    connection.execute(update(t.delivery).where(missed, d.notification_id.not_in(newest_ids)).values(**replaced))
