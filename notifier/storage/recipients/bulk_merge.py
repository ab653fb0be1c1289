"""Bulk import of subscribers: stage thousands of rows in a temporary table, merge them as sets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    update,
)

from notifier.domain.messages.transactional_mail import TransactionalKind
from notifier.domain.recipients.subscriber import SuppressionReason
from notifier.domain.values import Channel, SubscriberState
from notifier.storage import tables as t
from notifier.storage.database.dialect import insert, is_sqlite
from notifier.storage.database.types import Json

# Concurrent imports take turns chunk by chunk, so that neither waits for a row lock of the other.
_ADVISORY_LOCK = 7_305_203
_STOPPED = (SubscriberState.UNSUBSCRIBED.value, SubscriberState.SUPPRESSED.value)
_NOTIFIED = (SubscriberState.ACTIVE.value, SubscriberState.PENDING.value)
_OWN_WISH = [reason.value for reason in SuppressionReason if reason.state is SubscriberState.UNSUBSCRIBED]

stage = Table(
    "subscriber_stage",
    MetaData(),
    Column("external_id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("email", String),
    Column("address_key", BigInteger),
    Column("name", String, nullable=False),
    Column("locale", String, nullable=False),
    Column("timezone", String, nullable=False),
    Column("state", String, nullable=False),
    Column("preference_id", BigInteger, nullable=False),
    Column("quiet_from", Integer),
    Column("quiet_to", Integer),
    Column("max_per_hour", Integer),
    Column("legal_basis", String),
    Column("consent", Json),
    Column("repeated", Boolean, nullable=False),
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DROP",
)
STAGED = tuple(column.name for column in stage.columns)
_s, _t = stage.c, t.subscriber.c


@dataclass(frozen=True, slots=True)
class Merged:
    """The result of a chunk.

    Rows repeated from an earlier chunk of the same list are not counted.
    """

    created: int
    updated: int
    kept_unsubscribed: int


def merge(
    connection: Connection,
    rows: Sequence[tuple[Any, ...]],
    *,
    given: frozenset[str],
    legal_basis: str,
    now: datetime,
    invited_until: datetime | None = None,
) -> Merged:
    """Merge a chunk of a list into the subscribers. Idempotent.

    Args:
        connection: In a write transaction.
        rows: Values in the order of `STAGED`; no external id twice.
        given: Columns the list contains. Existing subscribers get these; their other columns stay.
        legal_basis: For new subscribers whose row names none.
        now: Aware UTC instant.
        invited_until: New pending subscribers are mailed a confirmation request valid until then.
            None: no mail.
    """
    _fill(connection, rows)
    _suppress_as_asked(connection, now)
    kept = _keep_stopped(connection)
    updated = _update(connection, given, now, repeated=False)
    if any(row[-1] for row in rows):
        _update(connection, given, now, repeated=True)
    created = _create(connection, legal_basis, now, invited_until)
    if created and invited_until is not None:
        _invite(connection, now, invited_until)
    if is_sqlite(connection):
        stage.drop(connection)
    return Merged(created=created, updated=updated, kept_unsubscribed=kept)


def _fill(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    if is_sqlite(connection):
        # Enough for the pages of one chunk; a larger cache would only grow over a million rows.
        connection.exec_driver_sql("PRAGMA cache_size=-20480")
        stage.create(connection)
        names, marks = ", ".join(STAGED), ", ".join("?" * len(STAGED))
        connection.exec_driver_sql(f"INSERT INTO subscriber_stage ({names}) VALUES ({marks})", list(rows))  # noqa: S608
        return
    connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
    stage.create(connection)
    driver: Any = connection.connection.dbapi_connection  # psycopg: COPY is four times as fast as INSERT
    with driver.cursor() as cursor, cursor.copy(f"COPY subscriber_stage ({', '.join(STAGED)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    connection.execute(text("ANALYZE subscriber_stage"))
    # A few thousand index look-ups are best, whatever the statistics of a table being filled say.
    for plan in ("enable_hashjoin", "enable_mergejoin", "enable_seqscan"):
        connection.execute(text(f"SET LOCAL {plan} = off"))


def _suppress_as_asked(connection: Connection, now: datetime) -> None:
    """Suppress the addresses of rows with the state `suppressed`."""
    asked = (
        select(
            _s.address_key,
            literal(Channel.EMAIL.value),
            literal(SuppressionReason.IMPORTED.value),
            literal(""),
            literal(now, t.suppression.c.since.type),
        )
        .where(_s.state == SubscriberState.SUPPRESSED.value, _s.address_key.is_not(None))
        .distinct()
    )
    columns = ["address_key", "channel", "reason", "detail", "since"]
    connection.execute(insert(connection, t.suppression).from_select(columns, asked).on_conflict_do_nothing())


def _keep_stopped(connection: Connection) -> int:
    """Never reactivate unsubscribed or suppressed subscribers; returns how many rows tried to."""
    own = select(_t.state).where(_t.external_id == _s.external_id, _t.state.in_(_STOPPED))
    by_person = update(stage).where(_s.state.in_(_NOTIFIED), exists(own)).values(state=own.scalar_subquery())
    x = t.suppression.c
    wish = case((x.reason.in_(_OWN_WISH), _STOPPED[0]), else_=_STOPPED[1])
    address = select(wish).where(x.address_key == _s.address_key, x.channel == Channel.EMAIL.value)
    by_address = update(stage).where(_s.state.in_(_NOTIFIED), exists(address)).values(state=address.scalar_subquery())
    return connection.execute(by_person).rowcount + connection.execute(by_address).rowcount


def _update(connection: Connection, given: frozenset[str], now: datetime, *, repeated: bool) -> int:
    """Update existing subscribers that differ: a list without changes writes nothing."""
    names = sorted(given)
    statement = (
        update(t.subscriber)
        .where(
            _t.external_id == _s.external_id,
            _s.repeated.is_(repeated),
            or_(*(_t[name].is_distinct_from(_s[name]) for name in names)),
        )
        .values({name: _s[name] for name in names} | {"updated_at": now})
    )
    if "state" in given:
        lapses = case((_s.state == SubscriberState.PENDING.value, _t.expires_at), else_=None)
        statement = statement.values(expires_at=lapses)
    return connection.execute(statement).rowcount


def _create(connection: Connection, legal_basis: str, now: datetime, invited_until: datetime | None) -> int:
    """Add new subscribers.

    Not an upsert: conflicts consume ids, and planning uses the highest id.
    """
    names = [name for name in STAGED if name not in ("repeated", "legal_basis")]
    instant = literal(now, _t.created_at.type)
    lapses = literal(invited_until, _t.expires_at.type)
    asked = case((_s.state == SubscriberState.PENDING.value, lapses), else_=None)
    new = (
        select(*(_s[name] for name in names), func.coalesce(_s.legal_basis, legal_basis), instant, instant, asked)
        .where(~exists().where(_t.external_id == _s.external_id))
        .order_by(_s.external_id)
    )
    columns = [*names, "legal_basis", "created_at", "updated_at", "expires_at"]
    statement = insert(connection, t.subscriber).from_select(columns, new).on_conflict_do_nothing()
    return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount


def _invite(connection: Connection, now: datetime, until: datetime) -> None:
    """Write confirmation mails for the chunk's new pending subscribers to the outbox."""
    instant = literal(now, _t.created_at.type)
    asked = (
        select(
            literal(TransactionalKind.SUBSCRIPTION_CONFIRM.value),
            _t.id,
            _t.address_key,
            literal(until, _t.created_at.type),
            instant,
            instant,
        )
        .join(stage, _s.external_id == _t.external_id)
        .where(_t.state == SubscriberState.PENDING.value, _t.created_at == instant, _t.address_key.is_not(None))
    )
    columns = ["kind", "subject_id", "address_key", "expires_at", "due_at", "created_at"]
    connection.execute(insert(connection, t.outbox).from_select(columns, asked))


def refresh_statistics(connection: Connection) -> None:
    """Update PostgreSQL's statistics before the next audience is planned."""
    if not is_sqlite(connection):
        connection.execute(text("ANALYZE subscriber"))
