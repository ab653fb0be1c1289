"""Subscribers, one by one and by page. For millions, see `storage/recipients/bulk_merge.py`."""

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
    """Return the columns that the subscriber sets."""
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
    """Convert a row of `subscriber` joined with `canonical` of its preference set."""
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
        statement = statement.with_for_update(of=t.subscriber)  # SQLite locks the whole database anyway
    row = connection.execute(statement).one_or_none()
    return None if row is None else from_row(row)


def get(connection: Connection, external_id: str, *, lock: bool = False) -> StoredSubscriber | None:
    """Return the subscriber with this external id; `lock` locks the row for this transaction."""
    return _one(connection, _SELECT.where(_COLUMNS.external_id == external_id), lock=lock)


def get_by_id(connection: Connection, subscriber_id: int, *, lock: bool = False) -> StoredSubscriber | None:
    """Return the subscriber with this internal id."""
    return _one(connection, _SELECT.where(_COLUMNS.id == subscriber_id), lock=lock)


def of_address(connection: Connection, address_key: int, *, lock: bool = False) -> list[StoredSubscriber]:
    """Return all subscribers with this address, oldest first."""
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
    """Return subscribers by ascending internal id, starting after `after`."""
    statement = _SELECT.where(_COLUMNS.id > after).order_by(_COLUMNS.id).limit(limit)
    if kind is not None:
        statement = statement.where(_COLUMNS.kind == kind.value)
    if state is not None:
        statement = statement.where(_COLUMNS.state == state.value)
    return [from_row(row) for row in connection.execute(statement)]


def _lapsed(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return _COLUMNS.expires_at <= now, _COLUMNS.state != SubscriberState.ACTIVE.value


def expired_sign_ups(connection: Connection, now: datetime, *, limit: int) -> Sequence[int]:
    """Return sign-ups not confirmed in time, oldest first, including those whose mail bounced."""
    statement = select(_COLUMNS.id).where(*_lapsed(now)).order_by(_COLUMNS.expires_at).limit(limit)
    return connection.execute(statement).scalars().all()


def lock_expired_sign_up(connection: Connection, subscriber_id: int, now: datetime) -> StoredSubscriber | None:
    """Lock one of `expired_sign_ups`; None if it was confirmed or locked in the meantime."""
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
    """Store a new subscriber (columns of `to_row`); None if the external id is taken."""
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
    """Update columns of one subscriber."""
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
    """Set the state of an address's subscribers that are in one of `only`; returns external ids."""
    statement = (
        update(t.subscriber)
        .where(_COLUMNS.address_key == address_key, _COLUMNS.state.in_([item.value for item in only]))
        .values(state=state.value, updated_at=now)
        .returning(_COLUMNS.external_id)
    )
    return sorted(connection.execute(statement).scalars())


def remove(connection: Connection, subscriber_id: int) -> None:
    """Delete a subscriber with all personal data of its row."""
    connection.execute(delete(t.subscriber).where(_COLUMNS.id == subscriber_id))


def release_endpoints(connection: Connection, external_id: str, email: str | None) -> None:
    """Remove an erased subscriber's name and address from endpoints."""
    e = t.endpoint.c
    connection.execute(update(t.endpoint).where(e.subscriber == external_id).values(subscriber=None))
    if email is not None:
        connection.execute(update(t.endpoint).where(e.owner_email == email).values(owner_email=None))
