"""Units of work that fail by a fault of ours: how often, and when each is tried again; given up in the end."""

from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from notifier.storage import tables as t
from notifier.storage.dialect import insert
from notifier.storage.types import AnyRow

_D = t.dead_letter.c


def get(connection: Connection, kind: str, object_id: str) -> AnyRow | None:
    """Return how a unit fares; None where it never failed, or works again."""
    found = select(t.dead_letter).where(_D.kind == kind, _D.object_id == object_id)
    return connection.execute(found).one_or_none()


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
