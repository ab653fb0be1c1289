"""Deliveries: the recipients of a batch, and the overrides detached from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select, text, update

from notifier.domain.recipients.audience import MEANT, REACHED, STILL_MEANT, PriorNotification
from notifier.domain.values import PENDING, Channel, DeliveryState, Reason
from notifier.storage import tables as t
from notifier.storage.database.bulk_rows import packed, rows_sql
from notifier.storage.database.types import AnyRow, driver_rows, to_micros
from notifier.storage.notifications.channel_history import Earlier


class MailRow(NamedTuple):
    """One recipient of a mail batch. A plain tuple as the driver returns it: a million are read."""

    key: int
    subscriber_id: int
    email: str
    name: str
    timezone: str


class DueDelivery(NamedTuple):
    """A detached delivery whose next attempt is due, with what a new batch needs to know."""

    notification_id: int
    recipient_key: int
    since: int
    reason: str | None
    is_replay: bool
    channel: str
    locale: str
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryOverride:
    """A delivery that no longer shares its batch's state. With `due_at`, it is retried then."""

    recipient_key: int
    state: DeliveryState
    reason: Reason | None = None
    due_at: datetime | None = None
    attempts: int | None = None
    provider_id: str | None = None


_DEPARTING = {
    "notification_id": "bigint",
    "recipient_key": "bigint",
    "state": "text",
    "reason": "text",
    "due_at": "bigint",
    "attempts": "bigint",
    "provider_id": "text",
}


def keys_in(connection: Connection, batch_id: int) -> list[int]:
    """Return the keys of the recipients still in a batch."""
    d = t.delivery.c
    found = select(d.recipient_key).where(d.batch_id == batch_id, d.state.is_(None))
    return list(connection.execute(found).scalars())


def mail_rows(connection: Connection, batch_id: int) -> tuple[list[MailRow], list[int]]:
    """Return the batch's recipients, and the keys of those who may no longer be mailed.

    Consent is checked here, just before sending, not only during planning.
    """
    d, s, x, o = t.delivery.c, t.subscriber.c, t.suppression.c, t.opt_out.c
    consents = and_(s.state == "active", x.address_key.is_(None), o.address_key.is_(None))
    may_be_written_to = and_(consents, func.coalesce(s.email, "") != "")
    incident_id = (
        select(t.notification.c.incident_id)
        .join(t.batch, t.batch.c.notification_id == t.notification.c.id)
        .where(t.batch.c.id == batch_id)
        .scalar_subquery()
    )
    statement = (
        select(d.recipient_key, d.recipient_id, s.email, s.name, s.timezone, may_be_written_to)
        .select_from(t.delivery)
        .outerjoin(t.subscriber, s.id == d.recipient_id)
        .outerjoin(t.suppression, and_(x.address_key == s.address_key, x.channel == "email"))
        .outerjoin(t.opt_out, and_(o.incident_id == incident_id, o.address_key == s.address_key))
        .where(d.batch_id == batch_id, d.state.is_(None))
        .order_by(d.recipient_key)
    )
    # The driver's own tuples: there is nothing to convert, and SQLAlchemy's rows would cost as much
    # as everything else.
    found = driver_rows(connection.execute(statement))
    rows = [MailRow._make(row[:-1]) for row in found if row[-1]]
    return rows, [row[0] for row in found if not row[-1]]


def holds_replay(connection: Connection, batch_id: int) -> bool:
    """Whether a batch was created by a replay (`regroup` keeps replays apart)."""
    d = t.delivery.c
    statement = select(d.replays).where(d.batch_id == batch_id, d.state.is_(None), d.replays > 0).limit(1)
    return connection.execute(statement).one_or_none() is not None


def detach(connection: Connection, notification_id: int, overrides: Sequence[DeliveryOverride], now: datetime) -> None:
    """Give deliveries a state of their own."""
    if not overrides:
        return
    # Every row repeats the notification's id: with a constant beside the table, SQLite would scan
    # all of its rows.
    rows = [
        [
            notification_id,
            item.recipient_key,
            item.state.value,
            item.reason.value if item.reason else None,
            to_micros(item.due_at) if item.due_at else None,
            item.attempts,
            item.provider_id,
        ]
        for item in overrides
    ]
    sql = f"""
        UPDATE delivery SET state = r.state, reason = r.reason, due_at = r.due_at, updated_at = :now,
            attempts = COALESCE(r.attempts, delivery.attempts),
            provider_id = COALESCE(r.provider_id, delivery.provider_id)
        FROM ({rows_sql(connection, _DEPARTING)}) AS r
        WHERE delivery.notification_id = r.notification_id AND delivery.recipient_key = r.recipient_key"""  # noqa: S608
    connection.execute(text(sql), {"rows": packed(rows), "now": to_micros(now)})


def move(connection: Connection, notification_id: int, keys: Sequence[int], batch_id: int, *, now: datetime) -> None:
    """Move deliveries into another batch, whose state they share again."""
    d = t.delivery.c
    for start in range(0, len(keys), 500):
        some = list(keys[start : start + 500])
        connection.execute(
            update(t.delivery)
            .where(d.notification_id == notification_id, d.recipient_key.in_(some))
            .values(batch_id=batch_id, state=None, reason=None, due_at=None, updated_at=now)
        )


def oldest_due(connection: Connection, now: datetime) -> datetime | None:
    """Return the due time of the detached delivery that has been due longest; None without one."""
    d = t.delivery.c
    statement = select(func.min(d.due_at)).where(d.due_at.is_not(None), d.due_at <= now)
    found: datetime | None = connection.execute(statement).scalar_one()
    return found


def _is_due(now: datetime) -> ColumnElement[bool]:
    d = t.delivery.c
    # `sending` past its time: a slow receiver whose worker died
    waits = d.state.in_(PENDING)
    return and_(d.due_at.is_not(None), d.due_at <= now, waits)


def notifications_due(connection: Connection, now: datetime, limit: int) -> Sequence[int]:
    """Return the notifications of the deliveries that have been due longest."""
    d = t.delivery.c
    oldest = select(d.notification_id).where(_is_due(now)).order_by(d.due_at).limit(limit).subquery()
    return connection.execute(select(oldest.c.notification_id).distinct().order_by("notification_id")).scalars().all()


def keys_due(connection: Connection, notification_id: int, now: datetime, limit: int) -> Sequence[int]:
    """Return the recipients of a notification whose deliveries are due, longest due first."""
    d = t.delivery.c
    statement = select(d.recipient_key).where(d.notification_id == notification_id, _is_due(now))
    return connection.execute(statement.order_by(d.due_at).limit(limit)).scalars().all()


def lock_due(
    connection: Connection, notification_id: int, now: datetime, limit: int, *, key: int | None = None
) -> Sequence[DueDelivery]:
    """Lock a notification's detached deliveries that are due, with what a new batch needs.

    `key`: only this recipient's. Rows locked by another transaction are skipped.
    """
    d, b = t.delivery.c, t.batch.c
    which = [d.notification_id == notification_id, _is_due(now)]
    if key is not None:
        which.append(d.recipient_key == key)
    statement = (
        select(
            d.notification_id,
            d.recipient_key,
            d.since,
            d.reason,
            (func.coalesce(d.replays, 0) > 0).label("is_replay"),
            b.channel,
            b.locale,
            func.coalesce(d.attempts, b.attempts).label("attempts"),
        )
        .join(t.batch, b.id == d.batch_id)
        .where(*which)
        .order_by(d.due_at)
        .limit(limit)
        .with_for_update(of=t.delivery, skip_locked=True)
    )
    return [DueDelivery._make(row) for row in connection.execute(statement)]


def prior_notification(earlier: Earlier, state: DeliveryState, reason: str | None = None) -> PriorNotification | None:
    """Return what an earlier notification means to a recipient whose delivery is in `state`.

    None if it means nothing to them.
    """
    if state not in MEANT and reason not in STILL_MEANT:
        return None
    return PriorNotification(
        sequence=earlier.sequence, episode_start=earlier.episode_start, ends=earlier.ends, reached=state in REACHED
    )


def prior_notifications(
    connection: Connection, prior: Sequence[Earlier], keys: Sequence[int]
) -> tuple[dict[int, list[PriorNotification]], bool]:
    """Return what each recipient got of earlier notifications, and whether any is in flight."""
    d, b = t.delivery.c, t.batch.c
    known = {each.id: each for each in prior}
    statement = (
        select(d.notification_id, d.recipient_key, func.coalesce(d.state, b.state).label("state"), d.reason)
        .join(t.batch, b.id == d.batch_id)
        .where(d.notification_id.in_(list(known)), d.recipient_key.in_(keys))
    )
    found: dict[int, list[PriorNotification]] = {key: [] for key in keys}
    flying = False
    for number, key, state, reason in connection.execute(statement):
        flying = flying or state == DeliveryState.SENDING
        heard = prior_notification(known[number], DeliveryState(state), reason)
        if heard is not None:
            found[key].append(heard)
    return found, flying


def get(connection: Connection, notification_id: int, recipient_key: int) -> AnyRow | None:
    """Return one delivery with the columns of its batch."""
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
    """Return deliveries of a notification by ascending key, starting after `after_key`."""
    d, b = t.delivery.c, t.batch.c
    statement = _listing().where(d.notification_id == notification_id).order_by(d.recipient_key).limit(limit)
    if after_key is not None:
        statement = statement.where(d.recipient_key > after_key)
    if states:
        statement = statement.where(func.coalesce(d.state, b.state).in_(states))
    return connection.execute(statement).all()


def latest(connection: Connection, *, incident_id: str | None, states: Sequence[str], limit: int) -> Sequence[AnyRow]:
    """Return the newest notifications' deliveries, newest first; with an id, of that incident."""
    d, b = t.delivery.c, t.batch.c
    statement = _listing().order_by(d.notification_id.desc(), d.recipient_key.desc()).limit(limit)
    if incident_id is not None:
        statement = statement.where(t.notification.c.incident_id == incident_id)
    if states:
        statement = statement.where(func.coalesce(d.state, b.state).in_(states))
    return connection.execute(statement).all()


def of_endpoint(
    connection: Connection, endpoint_id: int, *, states: Sequence[str], before: int | None, limit: int
) -> Sequence[AnyRow]:
    """Return an endpoint's deliveries, newest notification first, with ids below `before`."""
    d, b, n = t.delivery.c, t.batch.c, t.notification.c
    statement = _listing().where(n.channel == Channel.WEBHOOK.value, d.recipient_key == endpoint_id)
    if before is not None:
        statement = statement.where(n.id < before)
    if states:
        statement = statement.where(func.coalesce(d.state, b.state).in_(states))
    return connection.execute(statement.order_by(n.id.desc()).limit(limit)).all()


def _listing() -> Select[Any]:
    d, b, n = t.delivery.c, t.batch.c, t.notification.c
    return (
        select(
            d.notification_id,
            d.recipient_key,
            d.recipient_id,
            d.batch_id,
            d.since,
            d.replays,
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
    """Return the attempts of a delivery, including those of its batches, oldest first."""
    a = t.attempt.c
    own = and_(a.notification_id == notification_id, a.recipient_key == recipient_key)
    shared = and_(a.batch_id == batch_id, a.recipient_key.is_(None))
    return connection.execute(select(t.attempt).where(or_(own, shared)).order_by(a.started_at, a.id)).all()
