"""Facts about this installation, as named values."""

import secrets
from datetime import datetime

from sqlalchemy import Connection, select

from notifier.storage import tables as t
from notifier.storage.database.dialect import insert

PEPPER = "address_pepper"
_PROBE = "probe"  # when a process last verified that the database accepts writes
_PEPPER_BYTES = 32


def get(connection: Connection, key: str) -> bytes | None:
    """Return a stored value."""
    return connection.execute(select(t.meta.c.value).where(t.meta.c.key == key)).scalar_one_or_none()


def put_once(connection: Connection, key: str, value: bytes) -> bytes:
    """Store a value unless one exists; returns the one in force, the same for every process."""
    found = get(connection, key)
    if found is not None:
        return found
    connection.execute(insert(connection, t.meta).values(key=key, value=value).on_conflict_do_nothing())
    # PostgreSQL's ON CONFLICT waits for a concurrent transaction; the next statement sees its row.
    stored = get(connection, key)
    assert stored is not None  # noqa: S101 - we or the faster one wrote it, and nothing removes it
    return stored


def address_pepper(connection: Connection) -> bytes:
    """Return the 32-byte secret for hashing addresses (`ids.address_key`); created on first use.

    Needs a write transaction.
    """
    return put_once(connection, PEPPER, secrets.token_bytes(_PEPPER_BYTES))


def put(connection: Connection, key: str, value: bytes) -> None:
    """Store a value, replacing any other."""
    statement = insert(connection, t.meta).values(key=key, value=value)
    connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"value": value}))


def prove_writable(connection: Connection, now: datetime) -> None:
    """Write the time, which fails where the database takes no writes."""
    put(connection, _PROBE, now.isoformat().encode())
