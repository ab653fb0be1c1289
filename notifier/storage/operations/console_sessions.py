"""Console sessions, stored by the digest of the cookie's value."""

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from notifier.storage import tables as t
from notifier.storage.database.types import AnyRow

_COLUMNS = t.console_session.c


def add(connection: Connection, *, digest: str, kind: str, holder: str, now: datetime, until: datetime) -> None:
    """Create a session."""
    values = {"digest": digest, "kind": kind, "holder": holder, "created_at": now, "last_seen_at": now}
    connection.execute(insert(t.console_session).values(**values, expires_at=until))


def find(connection: Connection, digest: str) -> AnyRow | None:
    """Return a session, even an expired one."""
    return connection.execute(select(t.console_session).where(_COLUMNS.digest == digest)).one_or_none()


def touch(connection: Connection, digest: str, now: datetime) -> None:
    """Record activity in a session."""
    connection.execute(update(t.console_session).where(_COLUMNS.digest == digest).values(last_seen_at=now))


def end(connection: Connection, digest: str) -> bool:
    """End a session; False if there was none."""
    return connection.execute(delete(t.console_session).where(_COLUMNS.digest == digest)).rowcount == 1


def forget(connection: Connection, before: datetime, limit: int) -> int:
    """Delete sessions that ended before `before`; returns the count."""
    over = select(_COLUMNS.digest).where(_COLUMNS.expires_at < before).limit(limit)
    return connection.execute(delete(t.console_session).where(_COLUMNS.digest.in_(over))).rowcount
