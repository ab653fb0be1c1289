"""Metrics of all processes on all machines, summed."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, or_, select

from notifier.storage import tables as t
from notifier.storage.database.dialect import insert

_COUNTER = ""
# After this long without a report a process counts as dead, and its gauges with it.
GAUGE_LIFE = timedelta(seconds=60)

Key = tuple[str, str]
"""Name, and labels as canonical JSON."""


def add(connection: Connection, deltas: Mapping[Key, float], now: datetime) -> None:
    """Add to counters, always in the same order, so that concurrent writers do not deadlock."""
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
    """Store a process's gauges."""
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
    """Return (name, labels, owner, value) of all counters, and of live processes' gauges."""
    m = t.metric.c
    fresh = or_(m.owner == _COUNTER, m.updated_at >= now - GAUGE_LIFE)
    statement = select(m.name, m.labels, m.owner, m.value).where(fresh).order_by(m.name, m.labels, m.owner)
    return [(row.name, row.labels, row.owner, row.value) for row in connection.execute(statement)]


def forget_gauges(connection: Connection, before: datetime) -> int:
    """Delete the gauges of processes dead since before then; returns the row count."""
    m = t.metric.c
    return connection.execute(delete(t.metric).where(m.owner != _COUNTER, m.updated_at < before)).rowcount
