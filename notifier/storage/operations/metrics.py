"""What processes have counted, summed over all of them and all machines."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, or_, select

from notifier.storage import tables as t
from notifier.storage.database.dialect import insert

_COUNTER = ""
# A process that has not spoken for this long is gone, and so is what it said of itself.
GAUGE_LIFE = timedelta(seconds=60)

Key = tuple[str, str]
"""Name, and labels as canonical JSON."""


def add(connection: Connection, deltas: Mapping[Key, float], now: datetime) -> None:
    """Add to counters. In one order everywhere, so that processes that do it at once wait for one another in turn."""
    m = t.metric.c
    for (name, labels), delta in sorted(deltas.items()):
        row = {"name": name, "labels": labels, "owner": _COUNTER, "value": delta, "updated_at": now}
        statement = insert(connection, t.metric).values(row)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["name", "labels", "owner"],
                set_={"value": m.value + statement.excluded.value, "updated_at": statement.excluded.updated_at},
            )
        )


def set_gauges(connection: Connection, owner: str, gauges: Mapping[Key, float], now: datetime) -> None:
    """Say how something stands in one process."""
    for (name, labels), value in sorted(gauges.items()):
        row = {"name": name, "labels": labels, "owner": owner, "value": value, "updated_at": now}
        statement = insert(connection, t.metric).values(row)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["name", "labels", "owner"],
                set_={"value": statement.excluded.value, "updated_at": statement.excluded.updated_at},
            )
        )


def read(connection: Connection, now: datetime) -> list[tuple[str, str, str, float]]:
    """Return (name, labels, owner, value) of every counter, and of the gauges of processes that live."""
    m = t.metric.c
    fresh = or_(m.owner == _COUNTER, m.updated_at >= now - GAUGE_LIFE)
    statement = select(m.name, m.labels, m.owner, m.value).where(fresh).order_by(m.name, m.labels, m.owner)
    return [(row.name, row.labels, row.owner, row.value) for row in connection.execute(statement)]


def forget_gauges(connection: Connection, before: datetime) -> int:
    """Remove what processes that are long gone said of themselves; returns how many rows."""
    m = t.metric.c
    return connection.execute(delete(t.metric).where(m.owner != _COUNTER, m.updated_at < before)).rowcount
