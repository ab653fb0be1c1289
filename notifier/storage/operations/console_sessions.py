"""Sessions of the console, by the digest of what the cookie holds."""

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from notifier.storage import tables as t
from notifier.storage.database.types import AnyRow

_COLUMNS = t.console_session.c


def add(connection: Connection, *, digest: str, kind: str, holder: str, now: datetime, until: datetime) -> None:
    """Begin a session."""
    values = {"digest": digest, "kind": kind, "holder": holder, "created_at": now, "last_seen_at": now}
    connection.execute(insert(t.console_session).values(**values, expires_at=until))


def find(connection: Connection, digest: str) -> AnyRow | None:
    """Return a session, however old."""
    return connection.execute(select(t.console_session).where(_COLUMNS.digest == digest)).one_or_none()


def touch(connection: Connection, digest: str, now: datetime) -> None:
    """Note that somebody works in it."""
    connection.execute(update(t.console_session).where(_COLUMNS.digest == digest).values(last_seen_at=now))


def end(connection: Connection, digest: str) -> bool:
    """End a session; whether there was one."""
    return connection.execute(delete(t.console_session).where(_COLUMNS.digest == digest)).rowcount == 1


def forget(connection: Connection, before: datetime, limit: int) -> int:
    """Remove sessions that were over before that; returns how many."""
    over = select(_COLUMNS.digest).where(_COLUMNS.expires_at < before).limit(limit)
    return connection.execute(delete(t.console_session).where(_COLUMNS.digest.in_(over))).rowcount
