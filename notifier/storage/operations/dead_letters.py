"""Units of work that fail by a fault of ours: how often, and when each is tried again; given up in the end."""

from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from notifier.storage import tables as t
from notifier.storage.database.dialect import insert
from notifier.storage.database.types import AnyRow

_D = t.dead_letter.c


def get_all(connection: Connection) -> dict[tuple[str, str], AnyRow]:
    """Return how every unit fares that failed and does not work again yet, by kind and id."""
    return {(row.kind, row.object_id): row for row in connection.execute(select(t.dead_letter))}


def failures(connection: Connection, kind: str, object_id: str) -> int:
    """Return how often a unit has failed; nobody else counts on before this transaction ends."""
    found = select(_D.failures).where(_D.kind == kind, _D.object_id == object_id).with_for_update()
    return connection.execute(found).scalar_one_or_none() or 0


def note(
    connection: Connection,
    kind: str,
    object_id: str,
    *,
    failures: int,
    next_try_at: datetime | None,
    error: str,
) -> None:
    """Note a failure; `next_try_at` None: it is given up. `error` names its class and nothing else."""
    values = {"failures": failures, "next_try_at": next_try_at, "last_error": error}
    statement = insert(connection, t.dead_letter).values(kind=kind, object_id=object_id, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["kind", "object_id"], set_=values))


def remove(connection: Connection, kind: str, object_id: str) -> None:
    """Forget the failures of a unit that works again."""
    connection.execute(delete(t.dead_letter).where(_D.kind == kind, _D.object_id == object_id))


def revive(connection: Connection, now: datetime) -> int:
    """Try what was given up from the beginning again; returns how many units that are."""
    given_up = update(t.dead_letter).where(_D.next_try_at.is_(None))
    return connection.execute(given_up.values(failures=0, next_try_at=now)).rowcount
