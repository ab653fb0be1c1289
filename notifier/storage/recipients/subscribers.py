"""Subscribers one by one and by pages. Lists of millions go through `storage/recipients/bulk_merge.py`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, delete, select, update

from notifier.domain.recipients.subscriber import QuietHours, StoredSubscriber, Subscriber
from notifier.domain.values import SubscriberKind, SubscriberState
from notifier.storage import tables as t
from notifier.storage.database.dialect import insert
from notifier.storage.database.types import AnyRow
from notifier.storage.recipients import preferences

_COLUMNS = t.subscriber.c
_SELECT = select(t.subscriber, t.preference.c.canonical).join(t.preference, t.preference.c.id == _COLUMNS.preference_id)


def to_row(subscriber: Subscriber, *, preference_id: int, address_key: int | None) -> dict[str, Any]:
    """Return the columns that the subscriber itself decides."""
    quiet = subscriber.quiet_hours
    return {
        "external_id": subscriber.external_id,
        "kind": subscriber.kind.value,
        "email": subscriber.email,
        "address_key": address_key,
        "name": subscriber.name,
        "locale": subscriber.locale,
        "timezone": subscriber.timezone,
        "state": subscriber.state.value,
        "preference_id": preference_id,
        "quiet_from": quiet.start if quiet else None,
        "quiet_to": quiet.end if quiet else None,
        "max_per_hour": subscriber.max_per_hour,
    }


def from_row(row: AnyRow) -> StoredSubscriber:
    """Read a row of `subscriber` joined with its preference set's `canonical`."""
    quiet = None if row.quiet_from is None else QuietHours(start=row.quiet_from, end=row.quiet_to)
    return StoredSubscriber(
        id=row.id,
        subscriber=Subscriber(
            external_id=row.external_id,
            kind=SubscriberKind(row.kind),
            email=row.email,
            name=row.name,
            locale=row.locale,
            timezone=row.timezone,
            state=SubscriberState(row.state),
            preferences=preferences.parse(row.canonical),
            quiet_hours=quiet,
            max_per_hour=row.max_per_hour,
        ),
        address_key=row.address_key,
        legal_basis=row.legal_basis,
        consent=row.consent,
        created_at=row.created_at,
        updated_at=row.updated_at,
        expires_at=row.expires_at,
    )


def _one(connection: Connection, statement: Select[Any], *, lock: bool) -> StoredSubscriber | None:
    if lock:
        statement = statement.with_for_update(of=t.subscriber)  # SQLite has the whole database to itself already
    row = connection.execute(statement).one_or_none()
    return None if row is None else from_row(row)


def get(connection: Connection, external_id: str, *, lock: bool = False) -> StoredSubscriber | None:
    """Return the subscriber of that name; `lock` keeps others from changing it until the transaction ends."""
    return _one(connection, _SELECT.where(_COLUMNS.external_id == external_id), lock=lock)


def get_by_id(connection: Connection, subscriber_id: int, *, lock: bool = False) -> StoredSubscriber | None:
    """Return the subscriber with that row number."""
    return _one(connection, _SELECT.where(_COLUMNS.id == subscriber_id), lock=lock)


def of_address(connection: Connection, address_key: int, *, lock: bool = False) -> list[StoredSubscriber]:
    """Return every subscriber with that address, oldest first."""
    statement = _SELECT.where(_COLUMNS.address_key == address_key).order_by(_COLUMNS.id)
    if lock:
        statement = statement.with_for_update(of=t.subscriber)
    return [from_row(row) for row in connection.execute(statement)]


def page(
    connection: Connection,
    *,
    after: int,
    limit: int,
    kind: SubscriberKind | None = None,
    state: SubscriberState | None = None,
) -> list[StoredSubscriber]:
    """Return subscribers in order of their row numbers, those above `after`."""
    statement = _SELECT.where(_COLUMNS.id > after).order_by(_COLUMNS.id).limit(limit)
    if kind is not None:
        statement = statement.where(_COLUMNS.kind == kind.value)
    if state is not None:
        statement = statement.where(_COLUMNS.state == state.value)
    return [from_row(row) for row in connection.execute(statement)]


def _lapsed(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return _COLUMNS.expires_at <= now, _COLUMNS.state != SubscriberState.ACTIVE.value


def expired_sign_ups(connection: Connection, now: datetime, *, limit: int) -> Sequence[int]:
    """Return the numbers of those who did not confirm in time, the oldest first; also whose letter bounced."""
    statement = select(_COLUMNS.id).where(*_lapsed(now)).order_by(_COLUMNS.expires_at).limit(limit)
    return connection.execute(statement).scalars().all()


def lock_expired_sign_up(connection: Connection, subscriber_id: int, now: datetime) -> StoredSubscriber | None:
    """Lock one of `expired_sign_ups` and return its number; None where it was confirmed or locked meanwhile."""
    statement = _SELECT.where(_COLUMNS.id == subscriber_id, *_lapsed(now))
    row = connection.execute(statement.with_for_update(of=t.subscriber, skip_locked=True)).one_or_none()
    return None if row is None else from_row(row)


def add(
    connection: Connection,
    row: dict[str, Any],
    *,
    legal_basis: str,
    now: datetime,
    consent: dict[str, Any] | None = None,
    expires_at: datetime | None = None,
) -> int | None:
    """Store a new subscriber (columns of `to_row`); None when the external id is taken."""
    further = {
        "legal_basis": legal_basis,
        "consent": consent,
        "created_at": now,
        "updated_at": now,
        "expires_at": expires_at,
    }
    statement = insert(connection, t.subscriber).values(row | further).on_conflict_do_nothing().returning(_COLUMNS.id)
    return connection.execute(statement).scalar_one_or_none()


def change(connection: Connection, subscriber_id: int, values: dict[str, Any], now: datetime) -> None:
    """Overwrite columns of one subscriber."""
    statement = update(t.subscriber).where(_COLUMNS.id == subscriber_id).values(values | {"updated_at": now})
    connection.execute(statement)


def set_state_of_address(
    connection: Connection,
    address_key: int,
    state: SubscriberState,
    *,
    only: Sequence[SubscriberState],
    now: datetime,
) -> list[str]:
    """Move every subscriber of an address that is in one of the states `only`; returns their external ids."""
    statement = (
        update(t.subscriber)
        .where(_COLUMNS.address_key == address_key, _COLUMNS.state.in_([item.value for item in only]))
        .values(state=state.value, updated_at=now)
        .returning(_COLUMNS.external_id)
    )
    return sorted(connection.execute(statement).scalars())


def remove(connection: Connection, subscriber_id: int) -> None:
    """Delete the row: with it goes everything personal the ledger held."""
    connection.execute(delete(t.subscriber).where(_COLUMNS.id == subscriber_id))


def release_endpoints(connection: Connection, external_id: str, email: str | None) -> None:
    """Take an erased subscriber's name and address off the endpoints that bore them."""
    e = t.endpoint.c
    connection.execute(update(t.endpoint).where(e.subscriber == external_id).values(subscriber=None))
    if email is not None:
        connection.execute(update(t.endpoint).where(e.owner_email == email).values(owner_email=None))
