"""Deliveries: who is in a batch, and what became of those that departed from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, bindparam, func, or_, select, update

from notifier.domain.audience import Heard
from notifier.domain.values import DeliveryState, Reason
from notifier.storage import tables as t
from notifier.storage.notifications import Earlier
from notifier.storage.types import AnyRow, driver_rows


class MailRow(NamedTuple):
    """One addressee of a mail batch. A tuple, as the driver gives it: a million of them are read."""

    key: int
    subscriber_id: int
    email: str
    name: str
    timezone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """A delivery that no longer shares its batch's state. `due_at` set: to be tried again then."""

    recipient_key: int
    state: DeliveryState
    reason: Reason | None = None
    due_at: datetime | None = None
    attempts: int | None = None
    provider_id: str | None = None


def mail_rows(connection: Connection, batch_id: int) -> tuple[list[MailRow], list[int]]:
    """Return the batch's addressees, and the keys of those who may no longer be written to.

    Consent is checked here, just before sending, and not only when the audience was planned.
    """
    d, s, x = t.delivery.c, t.subscriber.c, t.suppression.c
    may_be_written_to = and_(s.state == "active", x.address_key.is_(None), func.coalesce(s.email, "") != "")
    statement = (
        select(d.recipient_key, d.recipient_id, s.email, s.name, s.timezone, may_be_written_to)
        .select_from(t.delivery)
        .outerjoin(t.subscriber, s.id == d.recipient_id)
        .outerjoin(t.suppression, and_(x.address_key == s.address_key, x.channel == "email"))
        .where(d.batch_id == batch_id, d.state.is_(None))
        .order_by(d.recipient_key)
    )
    # The driver's own tuples: SQLAlchemy's rows, with nothing to convert here, would cost as much as all the rest.
    found = driver_rows(connection.execute(statement))
    rows = [MailRow._make(row[:-1]) for row in found if row[-1]]
    return rows, [row[0] for row in found if not row[-1]]


def holds_replay(connection: Connection, batch_id: int) -> bool:
    """Whether a batch was made because somebody asked to send again (`gather` keeps those apart)."""
    d = t.delivery.c
    statement = select(d.replays).where(d.batch_id == batch_id, d.state.is_(None), d.replays > 0).limit(1)
    return connection.execute(statement).one_or_none() is not None


def endpoint_rows(connection: Connection, batch_id: int) -> Sequence[AnyRow]:
    """Return the batch's endpoints (their rows, with the delivery's `attempts_made` and `is_replay`)."""
    d, e = t.delivery.c, t.endpoint.c
    statement = (
        select(
            t.endpoint,
            func.coalesce(d.attempts, 0).label("attempts_made"),
            (func.coalesce(d.replays, 0) > 0).label("is_replay"),
        )
        .join(t.delivery, e.id == d.recipient_id)
        .where(d.batch_id == batch_id, d.state.is_(None))
        .order_by(e.id)
    )
    return connection.execute(statement).all()


def account_rows(connection: Connection, batch_id: int) -> Sequence[AnyRow]:
    """Return the batch's accounts."""
    d, a = t.delivery.c, t.account.c
    statement = (
        select(t.account)
        .join(t.delivery, a.id == d.recipient_id)
        .where(d.batch_id == batch_id, d.state.is_(None))
        .order_by(a.id)
    )
    return connection.execute(statement).all()


def depart(connection: Connection, notification_id: int, departures: Sequence[Departure], now: datetime) -> None:
    """Give deliveries a state of their own."""
    if not departures:
        return
    d = t.delivery.c
    statement = (
        update(t.delivery)
        .where(d.notification_id == notification_id, d.recipient_key == bindparam("b_key"))
        .values(
            state=bindparam("b_state"),
            reason=bindparam("b_reason"),
            due_at=bindparam("b_due_at"),
            attempts=func.coalesce(bindparam("b_attempts", type_=d.attempts.type), d.attempts),
            provider_id=func.coalesce(bindparam("b_provider_id", type_=d.provider_id.type), d.provider_id),
            updated_at=bindparam("b_now"),
        )
    )
    connection.execute(
        statement,
        [
            {
                "b_key": item.recipient_key,
                "b_state": item.state.value,
                "b_reason": item.reason.value if item.reason else None,
                "b_due_at": item.due_at,
                "b_attempts": item.attempts,
                "b_provider_id": item.provider_id,
                "b_now": now,
            }
            for item in departures
        ],
    )


def move(connection: Connection, notification_id: int, keys: Sequence[int], batch_id: int, *, now: datetime) -> None:
    """Put deliveries into another batch, whose state they share again."""
    d = t.delivery.c
    for start in range(0, len(keys), 500):
        some = list(keys[start : start + 500])
        connection.execute(
            update(t.delivery)
            .where(d.notification_id == notification_id, d.recipient_key.in_(some))
            .values(batch_id=batch_id, state=None, reason=None, due_at=None, updated_at=now)
        )


def due(connection: Connection, now: datetime, limit: int, *, lock: bool) -> Sequence[AnyRow]:
    """Return departed deliveries whose next attempt has come, with what a new batch for them needs to know."""
    d, b = t.delivery.c, t.batch.c
    statement = (
        select(
            d.notification_id,
            d.recipient_key,
            d.since,
            d.reason,
            (func.coalesce(d.replays, 0) > 0).label("is_replay"),
            b.channel,
            b.locale,
            b.id.label("batch_id"),
            func.coalesce(d.attempts, b.attempts).label("attempts"),
        )
        .join(t.batch, b.id == d.batch_id)
        .where(
            d.due_at.is_not(None),
            d.due_at <= now,
            # `sending` past its time: a slow receiver whose worker vanished
            d.state.in_([DeliveryState.QUEUED.value, DeliveryState.SENDING.value]),
        )
        .order_by(d.due_at)
        .limit(limit)
    )
    if lock:
        statement = statement.with_for_update(of=t.delivery, skip_locked=True)
    return connection.execute(statement).all()


def blocked_by_earlier(connection: Connection, notification_id: int, keys: Sequence[int]) -> set[int]:
    """Return the recipients who still wait for an earlier notification of this incident on this channel."""
    n, d, b = t.notification.c, t.delivery.c, t.batch.c
    this = t.notification.alias("this")
    earlier = (
        select(n.id)
        .join(this, and_(this.c.incident_id == n.incident_id, this.c.channel == n.channel))
        .where(this.c.id == notification_id, n.sequence < this.c.sequence)
    )
    statement = (
        select(d.recipient_key)
        .join(t.batch, b.id == d.batch_id)
        .where(
            d.notification_id.in_(earlier),
            d.recipient_key.in_(keys),
            func.coalesce(d.state, b.state).in_([DeliveryState.QUEUED.value, DeliveryState.SENDING.value]),
        )
    )
    return {int(key) for key in connection.execute(statement).scalars()}


def unblock(connection: Connection, notification_id: int, keys: Sequence[int], now: datetime) -> int:
    """Make due what waited for these recipients' delivery of this notification to end; returns how many."""
    n, d = t.notification.c, t.delivery.c
    this = t.notification.alias("this")
    later = (
        select(n.id)
        .join(this, and_(this.c.incident_id == n.incident_id, this.c.channel == n.channel))
        .where(this.c.id == notification_id, n.sequence > this.c.sequence)
    )
    statement = (
        update(t.delivery)
        .where(
            d.notification_id.in_(later),
            d.recipient_key.in_(keys),
            d.state == DeliveryState.QUEUED.value,
            d.reason == Reason.WAITING_FOR_EARLIER.value,
        )
        .values(due_at=now)
    )
    return connection.execute(statement).rowcount


_REACHED = frozenset({DeliveryState.ACCEPTED, DeliveryState.DELIVERED, DeliveryState.SENDING})
_MEANT = _REACHED | {DeliveryState.QUEUED, DeliveryState.SUPERSEDED, DeliveryState.BOUNCED}


def heard_of(earlier: Earlier, state: DeliveryState) -> Heard | None:
    """Return what an earlier notification means to a recipient whose delivery is in `state`; None: nothing."""
    if state not in _MEANT:
        return None
    return Heard(sequence=earlier.sequence, in_round=earlier.in_round, ends=earlier.ends, reached=state in _REACHED)


def heard_before(
    connection: Connection, prior: Sequence[Earlier], keys: Sequence[int]
) -> tuple[dict[int, list[Heard]], bool]:
    """Return per recipient what they heard of earlier notifications, and whether one of those is still in flight."""
    d, b = t.delivery.c, t.batch.c
    known = {each.id: each for each in prior}
    statement = (
        select(d.notification_id, d.recipient_key, func.coalesce(d.state, b.state).label("state"))
        .join(t.batch, b.id == d.batch_id)
        .where(d.notification_id.in_(list(known)), d.recipient_key.in_(keys))
    )
    found: dict[int, list[Heard]] = {key: [] for key in keys}
    flying = False
    for number, key, state in connection.execute(statement):
        flying = flying or state == DeliveryState.SENDING
        heard = heard_of(known[number], DeliveryState(state))
        if heard is not None:
            found[key].append(heard)
    return found, flying


def get(connection: Connection, notification_id: int, recipient_key: int) -> AnyRow | None:
    """Return one delivery with its batch's facts."""
    rows = connection.execute(
        _listing().where(t.delivery.c.notification_id == notification_id, t.delivery.c.recipient_key == recipient_key)
    ).all()
    return rows[0] if rows else None


def list_of(
    connection: Connection,
    notification_id: int,
    *,
    states: Sequence[str],
    after_key: int | None,
    limit: int,
) -> Sequence[AnyRow]:
    """Return deliveries of a notification in order of their key, after `after_key`."""
    d, b = t.delivery.c, t.batch.c
    statement = _listing().where(d.notification_id == notification_id).order_by(d.recipient_key).limit(limit)
    if after_key is not None:
        statement = statement.where(d.recipient_key > after_key)
    if states:
        statement = statement.where(func.coalesce(d.state, b.state).in_(states))
    return connection.execute(statement).all()


def latest(connection: Connection, *, incident_id: str | None, states: Sequence[str], limit: int) -> Sequence[AnyRow]:
    """Return the deliveries of the newest notifications, newest first; of one incident where one is named."""
    d, b = t.delivery.c, t.batch.c
    statement = _listing().order_by(d.notification_id.desc(), d.recipient_key.desc()).limit(limit)
    if incident_id is not None:
        statement = statement.where(t.notification.c.incident_id == incident_id)
    if states:
        statement = statement.where(func.coalesce(d.state, b.state).in_(states))
    return connection.execute(statement).all()


def _listing() -> Select[Any]:
    d, b, n = t.delivery.c, t.batch.c, t.notification.c
    return (
        select(
            d.notification_id,
            d.recipient_key,
            d.recipient_id,
            d.batch_id,
            d.since,
            d.provider_id,
            func.coalesce(d.state, b.state).label("state"),
            func.coalesce(d.reason, b.reason).label("reason"),
            func.coalesce(d.attempts, b.attempts).label("attempts"),
            func.coalesce(d.due_at, b.due_at).label("due_at"),
            func.coalesce(d.updated_at, b.finished_at).label("updated_at"),
            b.locale,
            b.lane,
            b.provider,
            b.provider_message_id,
            n.public_id,
            n.channel,
            n.sequence,
            n.incident_id,
            n.created_at,
            t.subscriber.c.external_id,
            t.subscriber.c.email,
            t.endpoint.c.public_id.label("endpoint_id"),
            t.endpoint.c.url,
            t.account.c.name.label("account"),
        )
        .select_from(t.delivery)
        .join(t.batch, b.id == d.batch_id)
        .join(t.notification, n.id == d.notification_id)
        .outerjoin(t.subscriber, and_(n.channel == "email", t.subscriber.c.id == d.recipient_id))
        .outerjoin(t.endpoint, and_(n.channel == "webhook", t.endpoint.c.id == d.recipient_id))
        .outerjoin(t.account, and_(n.channel == "social", t.account.c.id == d.recipient_id))
    )


def attempts(connection: Connection, notification_id: int, recipient_key: int, batch_id: int) -> Sequence[AnyRow]:
    """Return the tries of a delivery, its batches' included, oldest first."""
    a = t.attempt.c
    own = and_(a.notification_id == notification_id, a.recipient_key == recipient_key)
    shared = and_(a.batch_id == batch_id, a.recipient_key.is_(None))
    return connection.execute(select(t.attempt).where(or_(own, shared)).order_by(a.started_at, a.id)).all()
