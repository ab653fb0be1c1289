"""Quiet hours and hourly limits: subscribers' bounds, and what was sent to limited addresses."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, literal, select, text, update

from notifier.domain.recipients.do_not_disturb import Bounds, Sent
from notifier.domain.recipients.subscriber import QuietHours
from notifier.domain.values import Channel, DeliveryState, Reason
from notifier.storage import tables as t
from notifier.storage.database.dialect import insert, is_sqlite
from notifier.storage.database.types import AnyRow, to_micros
from notifier.storage.deliveries.batches import Batch

_s, _m = t.subscriber.c, t.limited_message.c
# Spelled as in the partial index; otherwise SQLite does not use it.
_BOUND = text("(subscriber.quiet_from IS NOT NULL OR subscriber.max_per_hour IS NOT NULL)")
_ACTIVE = _s.state == "active"
_ANY_BOUND = select(_s.id).where(_BOUND).limit(1)
_CHUNK = 500
_KEPT = timedelta(days=7)  # how long `notifier explain` can report an hour's count
_LOOKED_AT = timedelta(days=1)  # a message may be in flight for hours
_HELD = (Reason.QUIET_HOURS.value, Reason.HOURLY_LIMIT.value)
_GONE = (DeliveryState.SUPERSEDED, DeliveryState.FAILED, DeliveryState.CANCELED, DeliveryState.SUPPRESSED)
_NOT_SENT = tuple(state.value for state in _GONE)

QuietSpan = tuple[str, QuietHours, datetime]
"""A time zone, quiet hours, and the instant at which they end there today."""


def quiet_spans(connection: Connection, key_from: int, key_to: int) -> list[tuple[str, QuietHours]]:
    """Return the distinct (time zone, quiet hours) of active subscribers in a range of keys."""
    statement = (
        select(_s.timezone, _s.quiet_from, _s.quiet_to)
        .distinct()
        .where(_s.address_key.between(key_from, key_to), _BOUND, _s.quiet_from.is_not(None), _ACTIVE)
    )
    return [(zone, QuietHours(start=start, end=end)) for zone, start, end in connection.execute(statement)]


@dataclass(frozen=True, slots=True)
class Deferred:
    """SQL fragments that separate deferred recipients; all empty if there are none, as usual.

    `until` is in microseconds, as stored. `join` is formatted with the `table` that has a
    `recipient_key`.
    """

    cte: str = ""
    join: str = ""
    column: str = ""
    rank: str = ""
    until: str = "NULL"
    alone: str = ""  # the `cte` if it is the only one
    values: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, quiet: Sequence[QuietSpan]) -> "Deferred":
        """Separate the recipients in quiet hours within [:key_from, :key_to]."""
        if not quiet:
            return cls()
        statement, values = _deferred_sql(quiet)
        return cls(
            cte=f", held AS ({statement})",
            join="LEFT JOIN held ON held.recipient_key = {table}.recipient_key",
            column=", held.until",
            rank=", until",
            until="MAX(held.until)",
            alone=f"WITH held AS ({statement})",
            values=values,
        )


def _deferred_sql(spans: Sequence[QuietSpan]) -> tuple[str, dict[str, Any]]:
    rows = ", ".join(
        f"(:zone_{index}, {hours.start}, {hours.end}, {to_micros(until)})"
        for index, (_, hours, until) in enumerate(spans)
    )
    statement = f"""
        SELECT q.address_key AS recipient_key, MAX(span.until) AS until
        FROM subscriber q
        JOIN (WITH given(timezone, quiet_from, quiet_to, until) AS (VALUES {rows}) SELECT * FROM given) span
          ON span.timezone = q.timezone AND span.quiet_from = q.quiet_from AND span.quiet_to = q.quiet_to
        WHERE q.address_key BETWEEN :key_from AND :key_to AND q.state = 'active'
          AND (q.quiet_from IS NOT NULL OR q.max_per_hour IS NOT NULL)
        GROUP BY q.address_key"""  # noqa: S608 - numbers of ours and bound parameters
    return statement, {f"zone_{index}": zone for index, (zone, _, _) in enumerate(spans)}


def bounds_of_batch(connection: Connection, batch_id: int) -> dict[int, list[Bounds]]:
    """Return the bounds of the batch's mailboxes that have any, by address key."""
    # The join looks every recipient up; where nobody has bounds, one look at the partial index tells.
    if connection.execute(_ANY_BOUND).first() is None:
        return {}
    d = t.delivery.c
    statement = (
        select(_s.address_key, _s.timezone, _s.quiet_from, _s.quiet_to, _s.max_per_hour)
        .join(t.delivery, d.recipient_key == _s.address_key)
        .where(d.batch_id == batch_id, d.state.is_(None), _BOUND, _ACTIVE)
    )
    found: dict[int, list[Bounds]] = defaultdict(list)
    for row in connection.execute(statement):
        found[row.address_key].append(_bounds(row))
    return found


def bounds_of_address(connection: Connection, address_key: int) -> list[Bounds]:
    """Return a mailbox's current bounds."""
    statement = select(_s.timezone, _s.quiet_from, _s.quiet_to, _s.max_per_hour).where(
        _s.address_key == address_key, _BOUND, _ACTIVE
    )
    return [_bounds(row) for row in connection.execute(statement)]


def _bounds(row: AnyRow) -> Bounds:
    quiet = None if row.quiet_from is None else QuietHours(start=row.quiet_from, end=row.quiet_to)
    return Bounds(timezone=row.timezone, quiet_hours=quiet, max_per_hour=row.max_per_hour)


def lock_limited(connection: Connection, keys: Sequence[int]) -> None:
    """Lock these mailboxes' limits for this transaction; not needed with SQLite's one writer."""
    if is_sqlite(connection):
        return
    for some in _chunks(sorted(keys)):
        statement = select(_s.id).where(_s.address_key.in_(some)).order_by(_s.id).with_for_update()
        connection.execute(statement).all()


def sent_to(
    connection: Connection, keys: Sequence[int], *, now: datetime, without: int, since: datetime | None = None
) -> dict[int, list[Sent]]:
    """Return what was sent to limited mailboxes, by address key.

    Superseded, failed, canceled and suppressed messages do not count.

    Args:
        connection: The transaction.
        keys: Address keys.
        now: Aware UTC instant; used as the time of messages still in flight.
        without: Id of the notification in question.
        since: Start of the period; by default one day before `now`.
    """
    d, b = t.delivery.c, t.batch.c
    found: dict[int, list[Sent]] = defaultdict(list)
    for some in _chunks(keys):
        statement = (
            select(_m.address_key, _m.closes, func.coalesce(b.finished_at, literal(now, _m.at.type)).label("at"))
            .join(t.delivery, and_(d.notification_id == _m.notification_id, d.recipient_key == _m.address_key))
            .join(t.batch, b.id == d.batch_id)
            .where(
                _m.address_key.in_(some),
                _m.notification_id != without,
                _m.at > (since or now - _LOOKED_AT),
                func.coalesce(d.state, b.state).not_in(_NOT_SENT),
                ~_is_deferred_again(),
            )
        )
        for row in connection.execute(statement):
            found[row.address_key].append(Sent(row.at, row.closes))
    return found


def _is_deferred_again() -> ColumnElement[bool]:
    """A message that was sent, failed, and is deferred again."""
    b = t.batch.c
    return and_(b.state == DeliveryState.QUEUED.value, func.coalesce(b.reason, "").in_(_HELD))


def count_against_limit(
    connection: Connection, keys: Sequence[int], notification_id: int, *, closes: bool, now: datetime
) -> None:
    """Record that a message goes to limited mailboxes, and delete expired records."""
    rows = [{"address_key": key, "notification_id": notification_id, "at": now, "closes": closes} for key in keys]
    for some in _chunks(keys):
        connection.execute(delete(t.limited_message).where(_m.address_key.in_(some), _m.at < now - _KEPT))
    if rows:
        connection.execute(insert(connection, t.limited_message).on_conflict_do_nothing(), rows)


def forget(connection: Connection, address_key: int) -> None:
    """Delete the records of an address that no subscriber has any more."""
    connection.execute(delete(t.limited_message).where(_m.address_key == address_key))


def resize(connection: Connection, batch: Batch, size: int) -> None:
    """Set a batch's size after some of its recipients were deferred."""
    connection.execute(update(t.batch).where(t.batch.c.id == batch.id).values(size=size))


def deferred_for(connection: Connection, address_key: int, now: datetime) -> Sequence[AnyRow]:
    """Return the batches that defer a message to a mailbox, so that it can be removed from them."""
    d, b = t.delivery.c, t.batch.c
    statement = (
        select(t.batch)
        .join(t.delivery, and_(d.notification_id == b.notification_id, d.batch_id == b.id))
        .where(
            b.state == DeliveryState.QUEUED.value,
            b.due_at > now,
            b.channel == Channel.EMAIL.value,
            b.reason.in_(_HELD),
            d.recipient_key == address_key,
            d.state.is_(None),
        )
    )
    return connection.execute(statement).all()


def _chunks(keys: Iterable[int]) -> Iterable[list[int]]:
    listed = list(keys)
    return (listed[start : start + _CHUNK] for start in range(0, len(listed), _CHUNK))
