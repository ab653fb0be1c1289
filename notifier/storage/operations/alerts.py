"""Alerts: problems that need an operator (credentials, credits, the sender's identity).

Shown by doctor, metrics and the console.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select

from notifier.domain.providers.discretion import without_addresses
from notifier.domain.values import Reason
from notifier.storage import tables as t
from notifier.storage.database.dialect import insert
from notifier.storage.database.types import AnyRow


def raise_(connection: Connection, key: str, reason: Reason, detail: str, now: datetime) -> None:
    """Raise or update an alert; `since` stays that of the first time."""
    detail = without_addresses(detail)
    statement = insert(connection, t.alert).values(key=key, since=now, last_at=now, reason=reason.value, detail=detail)
    changed = {"last_at": now, "reason": reason.value, "detail": detail}
    connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=changed))


def clear(connection: Connection, key: str) -> None:
    """Clear an alert."""
    connection.execute(delete(t.alert).where(t.alert.c.key == key))


def current(connection: Connection) -> Sequence[AnyRow]:
    """Return the active alerts, oldest first."""
    return connection.execute(select(t.alert).order_by(t.alert.c.since)).all()
