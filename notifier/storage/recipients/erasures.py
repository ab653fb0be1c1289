"""Who was erased by the operator: keyed hashes of address and name, so that a list does not bring them back.

Nobody can go back from a hash to a person without the installation's pepper, nor with it but by asking about one they
know already. That is asked of every row of a list, and of nothing else.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select

from notifier.storage import tables as t
from notifier.storage.database.dialect import insert

_AT_ONCE = 5_000  # keys of a statement: both databases take more, and a chunk of a list has about as many


def note(connection: Connection, keys: Iterable[int], now: datetime) -> None:
    """Remember that whoever these keys stand for was erased."""
    rows = [{"key": key, "at": now} for key in dict.fromkeys(keys)]
    if rows:
        connection.execute(insert(connection, t.erasure).values(rows).on_conflict_do_nothing())


def forget(connection: Connection, keys: Iterable[int]) -> None:
    """Forget it: a person, or they themselves, brought them back."""
    connection.execute(delete(t.erasure).where(t.erasure.c.key.in_(list(keys))))


def are_there(connection: Connection) -> bool:
    """Whether anybody was erased at all."""
    return connection.execute(select(t.erasure.c.key).limit(1)).first() is not None


def among(connection: Connection, keys: Sequence[int]) -> set[int]:
    """Return which of these keys stand for somebody who was erased."""
    found: set[int] = set()
    for start in range(0, len(keys), _AT_ONCE):
        asked = t.erasure.c.key.in_(keys[start : start + _AT_ONCE])
        found.update(connection.execute(select(t.erasure.c.key).where(asked)).scalars())
    return found
