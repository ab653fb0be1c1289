"""Erased subscribers, as keyed hashes of address and name, so that no import restores them.

A hash cannot be reversed without the installation's pepper. With it, one can only test an address
that is already known. Only the rows of an import are tested.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select

from notifier.storage import tables as t
from notifier.storage.database.dialect import insert

_AT_ONCE = 5_000  # keys per statement: both databases accept more, and an import's chunk has about as many


def note(connection: Connection, keys: Iterable[int], now: datetime) -> None:
    """Record that the owners of these keys were erased."""
    rows = [{"key": key, "at": now} for key in dict.fromkeys(keys)]
    if rows:
        connection.execute(insert(connection, t.erasure).values(rows).on_conflict_do_nothing())


def forget(connection: Connection, keys: Iterable[int]) -> None:
    """Delete the record: an operator or the subscriber restored the subscription."""
    connection.execute(delete(t.erasure).where(t.erasure.c.key.in_(list(keys))))


def are_there(connection: Connection) -> bool:
    """Whether any erasure is recorded."""
    return connection.execute(select(t.erasure.c.key).limit(1)).first() is not None


def among(connection: Connection, keys: Sequence[int]) -> set[int]:
    """Return which of these keys belong to erased subscribers."""
    found: set[int] = set()
    for start in range(0, len(keys), _AT_ONCE):
        asked = t.erasure.c.key.in_(keys[start : start + _AT_ONCE])
        found.update(connection.execute(select(t.erasure.c.key).where(asked)).scalars())
    return found
