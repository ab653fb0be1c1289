"""Webhook batches: their endpoints, related messages, and deliveries a dead worker completed.

An endpoint that accepts its first attempt shares its batch's state and has no row besides the
attempt: each success is written once. Until the batch is finished, only `attempt` knows whom it
reached.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    Text,
    Update,
    and_,
    bindparam,
    case,
    cast,
    func,
    select,
    update,
)

from notifier.domain.values import ACCEPTED, PENDING, DeliveryState, Reason
from notifier.storage import tables as t
from notifier.storage.database.types import AnyRow, Instant
from notifier.storage.notifications.notifications import StoredNotification

_QUEUED, _SENDING = DeliveryState.QUEUED.value, DeliveryState.SENDING.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What the endpoints of a batch were sent of the same incident besides. All are recipient keys.

    `queued`, `sending`: an earlier message is queued or in flight. `overtaken`: a later one reached
    them or still may. `missed`: an earlier one ended without being accepted.
    """

    queued: frozenset[int] = frozenset()
    sending: frozenset[int] = frozenset()
    overtaken: frozenset[int] = frozenset()
    missed: frozenset[int] = frozenset()


class EndpointRow(NamedTuple):
    """What posting to one endpoint of a batch needs.

    `types`, `headers` and `secrets` are JSON texts: most are empty, or cached by their text. An
    endpoint that was removed in the meantime has the state `removed` and no URL.
    """

    id: int
    public_id: str
    url: str
    types: str
    format: str
    mode: str
    headers: str
    secrets: str
    state: str
    changed_at: datetime | None
    untouched: bool
    attempts_made: int
    is_replay: bool


# Built once: building a statement takes as long as running it.
_BATCH: BindParameter[int] = bindparam("of_batch")
_NOTIFICATION: BindParameter[int] = bindparam("of_notification")
_NOTIFICATIONS: BindParameter[int] = bindparam("of_notifications", expanding=True)
_KEYS: BindParameter[int] = bindparam("of_keys", expanding=True)
_NOW = bindparam("now", type_=Instant)


@cache
def _endpoint_rows() -> Select[Any]:
    d, e = t.delivery.c, t.endpoint.c
    return (
        select(
            d.recipient_key.label("id"),
            func.coalesce(e.public_id, "").label("public_id"),
            func.coalesce(e.url, "").label("url"),
            func.coalesce(cast(e.types, Text), "[]").label("types"),
            func.coalesce(e.format, "").label("format"),
            func.coalesce(e.mode, "").label("mode"),
            func.coalesce(cast(e.headers, Text), "{}").label("headers"),
            func.coalesce(cast(e.secrets, Text), "[]").label("secrets"),
            func.coalesce(e.state, "removed").label("state"),
            e.updated_at.label("changed_at"),
            d.attempts.is_(None).label("untouched"),
            func.coalesce(d.attempts, 0).label("attempts_made"),
            (func.coalesce(d.replays, 0) > 0).label("is_replay"),
        )
        .select_from(t.delivery)
        .outerjoin(t.endpoint, e.id == d.recipient_id)
        .where(d.batch_id == _BATCH, d.state.is_(None))
        .order_by(d.recipient_key)
    )


def endpoint_rows(connection: Connection, batch_id: int) -> Sequence[EndpointRow]:
    """Return the batch's endpoints, also those that were removed in the meantime, in key order."""
    return [EndpointRow._make(row) for row in connection.execute(_endpoint_rows(), {"of_batch": batch_id})]


def taken_before(connection: Connection, batch_id: int) -> set[int]:
    """Return the recipients that had accepted when the batch's last worker died; do not resend."""
    a, d = t.attempt.c, t.delivery.c
    statement = (
        select(a.recipient_key)
        .join(t.delivery, and_(d.notification_id == a.notification_id, d.recipient_key == a.recipient_key))
        .where(a.batch_id == batch_id, a.outcome == "accepted", d.batch_id == batch_id, d.state.is_(None))
    )
    return {int(key) for key in connection.execute(statement).scalars()}


@cache
def _awaited() -> Select[Any]:
    d = t.delivery.c
    mine = and_(d.batch_id == _BATCH, d.recipient_key.in_(_KEYS), d.state == _SENDING)
    return select(d.recipient_key).where(mine).with_for_update()


def awaited(connection: Connection, batch_id: int, keys: Sequence[int]) -> set[int]:
    """Return the slow receivers of a finished batch whose answer is pending and not retried."""
    values = {"of_batch": batch_id, "of_keys": list(keys)}
    return {int(key) for key in connection.execute(_awaited(), values).scalars()}


@cache
def _others() -> Select[Any]:
    n, this = t.notification.c, t.notification.alias("this")
    same = and_(this.c.incident_id == n.incident_id, this.c.channel == n.channel, this.c.id != n.id)
    return select(n.id, n.sequence).join(this, same).where(this.c.id == _NOTIFICATION)


def around(connection: Connection, stored: StoredNotification, batch_id: int) -> Around:
    """Return what the batch's endpoints were sent of the incident; one cheap query if nothing."""
    others = connection.execute(_others(), {"of_notification": stored.id}).all()
    earlier = [row.id for row in others if row.sequence < stored.notice.sequence]
    later = [row.id for row in others if row.sequence > stored.notice.sequence]
    before: Sequence[AnyRow] = ()
    if earlier:
        before = connection.execute(_summed(), {"of_batch": batch_id, "of_notifications": earlier}).all()
    overtaken = set()
    if later:
        values = {"of_batch": batch_id, "of_notifications": later}
        overtaken = set(connection.execute(_reached(), values).scalars())
    return Around(
        queued=frozenset(row.recipient_key for row in before if row.queued),
        sending=frozenset(row.recipient_key for row in before if row.sending),
        missed=frozenset(row.recipient_key for row in before if row.missed),
        overtaken=frozenset(overtaken),
    )


@cache
def _summed() -> Select[Any]:
    d = t.delivery.c
    return _among(
        d.recipient_key,
        func.max(case((_state() == _QUEUED, 1), else_=0)).label("queued"),
        func.max(case((_state() == _SENDING, 1), else_=0)).label("sending"),
        func.max(case((_state().in_((*ACCEPTED, *PENDING)), 0), else_=1)).label("missed"),
    ).group_by(d.recipient_key)


@cache
def _reached() -> Select[Any]:
    return _among(t.delivery.c.recipient_key).where(_state().in_((*ACCEPTED, *PENDING)))


def _among(*columns: Any) -> Select[Any]:
    mine, d, b = t.delivery.alias("mine"), t.delivery.c, t.batch.c
    return (
        select(*columns)
        .select_from(mine)
        .join(t.delivery, d.recipient_key == mine.c.recipient_key)
        .join(t.batch, b.id == d.batch_id)
        .where(mine.c.batch_id == _BATCH, mine.c.state.is_(None), d.notification_id.in_(_NOTIFICATIONS))
    )


def _state() -> ColumnElement[Any]:
    return func.coalesce(t.delivery.c.state, t.batch.c.state)


@cache
def _hurry() -> Update:
    d = t.delivery.c
    return _later().where(d.recipient_key.in_(_KEYS), d.state == _QUEUED, d.due_at > _NOW)


def hurry(connection: Connection, notification_id: int, keys: Sequence[int], now: datetime) -> int:
    """Make later messages of the incident due that replace these endpoints' older one.

    Returns how many.
    """
    values = {"of_notification": notification_id, "of_keys": list(keys), "now": now}
    return connection.execute(_hurry(), values).rowcount


@cache
def _unblock() -> Update:
    mine = t.delivery.alias("mine")
    done = select(mine.c.recipient_key).where(
        mine.c.batch_id == _BATCH, func.coalesce(mine.c.state, "").not_in(PENDING)
    )
    return _unblocked(t.delivery.c.recipient_key.in_(done))


def unblock(connection: Connection, notification_id: int, batch_id: int, now: datetime) -> int:
    """Make due what waited for this message to end for the batch's endpoints; returns the count."""
    values = {"of_notification": notification_id, "of_batch": batch_id, "now": now}
    return connection.execute(_unblock(), values).rowcount


@cache
def _unblock_some() -> Update:
    return _unblocked(t.delivery.c.recipient_key.in_(_KEYS))


def unblock_some(connection: Connection, notification_id: int, keys: Sequence[int], now: datetime) -> int:
    """Make due what waited for this message to end for these endpoints; returns the count."""
    values = {"of_notification": notification_id, "of_keys": list(keys), "now": now}
    return connection.execute(_unblock_some(), values).rowcount


@cache
def _unblock_waiting() -> Update:
    d, ahead, n = t.delivery.c, t.delivery.alias("ahead"), t.notification.c
    this, holder = t.notification.alias("this_one"), t.batch.alias("holder")
    earlier = (
        select(n.id)
        .join(this, and_(this.c.incident_id == n.incident_id, this.c.channel == n.channel))
        .where(this.c.id == _NOTIFICATION, n.sequence < this.c.sequence)
    )
    still_open = (
        select(ahead.c.recipient_key)
        .join(holder, holder.c.id == ahead.c.batch_id)
        .where(
            ahead.c.recipient_key == d.recipient_key,
            ahead.c.notification_id.in_(earlier),
            func.coalesce(ahead.c.state, holder.c.state).in_(PENDING),
        )
    )
    waits = and_(d.state == _QUEUED, d.reason == Reason.WAITING_FOR_EARLIER.value)
    mine = and_(d.notification_id == _NOTIFICATION, d.recipient_key.in_(_KEYS))
    return update(t.delivery).where(mine, waits, ~still_open.exists()).values(due_at=_NOW)


def unblock_waiting(connection: Connection, notification_id: int, keys: Sequence[int], now: datetime) -> int:
    """Make due what began to wait for an earlier message just as that ended; returns the count.

    Call it after committing the wait: the transaction that ended the earlier message could not see
    it.
    """
    values = {"of_notification": notification_id, "of_keys": list(keys), "now": now}
    return connection.execute(_unblock_waiting(), values).rowcount


def _unblocked(who: ColumnElement[bool]) -> Update:
    """Make due the next message only: otherwise a long backlog is attempted in full each time."""
    d, ahead, n = t.delivery.c, t.delivery.alias("ahead"), t.notification.c
    this = t.notification.alias("this_one")
    same = select(n.id).join(this, and_(this.c.incident_id == n.incident_id, this.c.channel == n.channel))
    # Ids follow the order of decision: of two of one incident, the smaller is the earlier.
    before = select(ahead.c.recipient_key).where(
        ahead.c.recipient_key == d.recipient_key,
        ahead.c.notification_id.in_(same.where(this.c.id == _NOTIFICATION)),
        ahead.c.notification_id > _NOTIFICATION,
        ahead.c.notification_id < d.notification_id,
        ahead.c.state == _QUEUED,
    )
    return _later().where(who, d.state == _QUEUED, d.reason == Reason.WAITING_FOR_EARLIER.value, ~before.exists())


def _later() -> Update:
    """Make the incident's later notifications due now."""
    n, this = t.notification.c, t.notification.alias("this")
    later = (
        select(n.id)
        .join(this, and_(this.c.incident_id == n.incident_id, this.c.channel == n.channel))
        .where(this.c.id == _NOTIFICATION, n.sequence > this.c.sequence)
    )
    return update(t.delivery).where(t.delivery.c.notification_id.in_(later)).values(due_at=_NOW)
