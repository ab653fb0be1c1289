"""The public part of timelines: nothing hidden, nothing held."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from notifier.domain import canary
from notifier.domain.values import Status
from notifier.storage import tables as t
from notifier.storage.database.types import AnyRow
from notifier.storage.incidents.timeline import SHOWN

_OVER = [status.value for status in Status if status.is_over]


def public_updates(connection: Connection, *, most_open: int, most_past: int) -> Sequence[AnyRow]:
    """Return the public updates of all open incidents and of the newest others, oldest first.

    Args:
        connection: The transaction.
        most_open: Maximum number of open incidents, newest first.
        most_past: Maximum number of ended ones.
    """
    i, u = t.incident.c, t.incident_update.c
    shown = select(u.id).where(u.incident_id == i.id, SHOWN).exists()
    newest = select(i.id).where(i.id.not_like(f"{canary.PREFIX}%"), shown).order_by(i.created_at.desc(), i.id.desc())
    names = [
        *connection.execute(newest.where(i.status.not_in(_OVER)).limit(most_open)).scalars(),
        *connection.execute(newest.where(i.status.in_(_OVER)).limit(most_past)).scalars(),
    ]
    statement = select(t.incident_update).where(u.incident_id.in_(names), SHOWN).order_by(t.ordered_at, u.number)
    return connection.execute(statement).all()
