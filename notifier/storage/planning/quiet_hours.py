"""Who wants quiet: bounds of subscribers, and the messages that were let go to addresses with an hourly limit."""

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
# Spelled as in the partial index, or SQLite does not see that it may be used.
_BOUND = text("(subscriber.quiet_from IS NOT NULL OR subscriber.max_per_hour IS NOT NULL)")
_ACTIVE = _s.state == "active"
_CHUNK = 500
_KEPT = timedelta(days=7)  # so long `notifier explain` can say how full an hour was
_LOOKED_AT = timedelta(days=1)  # a message that was let go may have been on its way for hours
_HELD = (Reason.QUIET_HOURS.value, Reason.HOURLY_LIMIT.value)
_GONE = (DeliveryState.SUPERSEDED, DeliveryState.FAILED, DeliveryState.CANCELED, DeliveryState.SUPPRESSED)
_NOT_SENT = tuple(state.value for state in _GONE)

QuietSpan = tuple[str, QuietHours, datetime]
"""A zone, a daily span, and the instant at which it ends there today."""


def quiet_spans(connection: Connection, key_from: int, key_to: int) -> list[tuple[str, QuietHours]]:
    """Return every distinct (time zone, quiet hours) of active subscribers in an interval of address keys."""
    statement = (
        select(_s.timezone, _s.quiet_from, _s.quiet_to)
        .distinct()
        .where(_s.address_key.between(key_from, key_to), _BOUND, _s.quiet_from.is_not(None), _ACTIVE)
    )
    return [(zone, QuietHours(start=start, end=end)) for zone, start, end in connection.execute(statement)]


@dataclass(frozen=True, slots=True)
class Deferred:
    """The parts of SQL that set apart who is held; all empty when nobody is, as on most days.

    `until` is in microseconds, as stored; `join` takes the `table` that has a `recipient_key`.
    """

    cte: str = ""
    join: str = ""
    column: str = ""
    rank: str = ""
    until: str = "NULL"
    alone: str = ""  # the `cte` where there is no other
    values: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, quiet: Sequence[QuietSpan]) -> "Deferred":
        """Set apart who is quiet in [:key_from, :key_to]."""
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
    """Return the bounds of every mailbox of a batch that has any, by address key."""
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
    """Return the bounds that stand for a mailbox now."""
    statement = select(_s.timezone, _s.quiet_from, _s.quiet_to, _s.max_per_hour).where(
        _s.address_key == address_key, _BOUND, _ACTIVE
    )
    return [_bounds(row) for row in connection.execute(statement)]


def _bounds(row: AnyRow) -> Bounds:
    quiet = None if row.quiet_from is None else QuietHours(start=row.quiet_from, end=row.quiet_to)
    return Bounds(timezone=row.timezone, quiet_hours=quiet, max_per_hour=row.max_per_hour)


def lock_limited(connection: Connection, keys: Sequence[int]) -> None:
    """Let nobody else count the same mailboxes until this transaction ends (SQLite has one writer anyway)."""
    if is_sqlite(connection):
        return
    for some in _chunks(sorted(keys)):
        statement = select(_s.id).where(_s.address_key.in_(some)).order_by(_s.id).with_for_update()
        connection.execute(statement).all()


def sent_to(
    connection: Connection, keys: Sequence[int], *, now: datetime, without: int, since: datetime | None = None
) -> dict[int, list[Sent]]:
    """Return what went to mailboxes with a limit, by address key; what was replaced or given up does not count.

    Args:
        connection: The transaction.
        keys: Address keys.
        now: Aware UTC instant: that of messages which are still on their way.
        without: Number of the notification that is asked about.
        since: Looked at from here on; a day before `now` unless said.
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
    """A message that was let go, failed, and came back to wait."""
    b = t.batch.c
    return and_(b.state == DeliveryState.QUEUED.value, func.coalesce(b.reason, "").in_(_HELD))


def count_against_limit(
    connection: Connection, keys: Sequence[int], notification_id: int, *, closes: bool, now: datetime
) -> None:
    """Remember that a message goes to mailboxes with a limit, and forget what is too old to matter."""
    rows = [{"address_key": key, "notification_id": notification_id, "at": now, "closes": closes} for key in keys]
    for some in _chunks(keys):
        connection.execute(delete(t.limited_message).where(_m.address_key.in_(some), _m.at < now - _KEPT))
    if rows:
        connection.execute(insert(connection, t.limited_message).on_conflict_do_nothing(), rows)


def forget(connection: Connection, address_key: int) -> None:
    """Drop what is remembered about an address that nobody bears any more."""
    connection.execute(delete(t.limited_message).where(_m.address_key == address_key))


def resize(connection: Connection, batch: Batch, size: int) -> None:
    """Some of a batch left it to wait."""
    connection.execute(update(t.batch).where(t.batch.c.id == batch.id).values(size=size))


def deferred_for(connection: Connection, address_key: int, now: datetime) -> Sequence[AnyRow]:
    """Return the batches that hold a message to a mailbox back, so that it can be taken out of them."""
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
