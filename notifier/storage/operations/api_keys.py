"""API keys, stored by the digest of their token."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, insert, or_, select, update

from notifier.storage import tables as t
from notifier.storage.database.types import AnyRow

_COLUMNS = t.api_key.c


def add(
    connection: Connection,
    *,
    key_id: str,
    name: str,
    digest: str,
    scopes: Sequence[str],
    now: datetime,
    expires_at: datetime | None,
    source: str | None = None,
) -> None:
    """Store a new key."""
    values = {"id": key_id, "name": name, "digest": digest, "scopes": list(scopes), "created_at": now}
    connection.execute(insert(t.api_key).values(values | {"expires_at": expires_at, "source": source}))


def find(connection: Connection, digest: str, now: datetime) -> AnyRow | None:
    """Return the key with this digest, unless revoked or expired."""
    return connection.execute(_valid(now).where(_COLUMNS.digest == digest)).one_or_none()


def find_by_id(connection: Connection, key_id: str, now: datetime) -> AnyRow | None:
    """Return the key with this id, unless revoked or expired."""
    return connection.execute(_valid(now).where(_COLUMNS.id == key_id)).one_or_none()


def _valid(now: datetime) -> Select[Any]:
    lasts = or_(_COLUMNS.expires_at.is_(None), _COLUMNS.expires_at > now)
    return select(t.api_key).where(_COLUMNS.revoked_at.is_(None), lasts)


def note_use(connection: Connection, key_id: str, now: datetime, *, unless_since: datetime) -> None:
    """Record the use of a key, unless a use since `unless_since` is recorded."""
    stale = or_(_COLUMNS.last_used_at.is_(None), _COLUMNS.last_used_at < unless_since)
    connection.execute(update(t.api_key).where(_COLUMNS.id == key_id, stale).values(last_used_at=now))


def listed(connection: Connection) -> Sequence[AnyRow]:
    """Return all keys, oldest first."""
    return connection.execute(select(t.api_key).order_by(_COLUMNS.created_at, _COLUMNS.id)).all()


def revoke(connection: Connection, key_id: str, now: datetime) -> bool:
    """Revoke a key; False if there is none. The time of the first revocation stays."""
    again = update(t.api_key).where(_COLUMNS.id == key_id, _COLUMNS.revoked_at.is_(None)).values(revoked_at=now)
    if connection.execute(again).rowcount == 1:
        return True
    return connection.execute(select(_COLUMNS.id).where(_COLUMNS.id == key_id)).one_or_none() is not None
