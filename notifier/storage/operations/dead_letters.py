"""Work units that fail through a fault of ours: failures, next retry, or given up."""

from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from notifier.storage import tables as t
from notifier.storage.database.dialect import insert
from notifier.storage.database.types import AnyRow

_D = t.dead_letter.c


def get_all(connection: Connection) -> dict[tuple[str, str], AnyRow]:
    """Return the failing work units by kind and id."""
    return {(row.kind, row.object_id): row for row in connection.execute(select(t.dead_letter))}


def failures(connection: Connection, kind: str, object_id: str) -> int:
    """Return how often a unit has failed; its row is locked for this transaction."""
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
    """Record a failure. `next_try_at` None: given up. `error`: only the class name."""
    values = {"failures": failures, "next_try_at": next_try_at, "last_error": error}
    statement = insert(connection, t.dead_letter).values(kind=kind, object_id=object_id, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["kind", "object_id"], set_=values))


def remove(connection: Connection, kind: str, object_id: str) -> None:
    """Delete the failures of a unit that works again."""
    connection.execute(delete(t.dead_letter).where(_D.kind == kind, _D.object_id == object_id))


def revive(connection: Connection, now: datetime) -> int:
    """Restart the retries of units given up; returns their number."""
    given_up = update(t.dead_letter).where(_D.next_try_at.is_(None))
    return connection.execute(given_up.values(failures=0, next_try_at=now)).rowcount
