"""Counts for metrics, from indexes and small tables: never of deliveries or subscribers."""

from sqlalchemy import Connection, func, select

from notifier.storage import tables as t


def incidents_by_status(connection: Connection) -> dict[str, int]:
    """Count incidents by status."""
    status = t.incident.c.status
    return {row[0]: row[1] for row in connection.execute(select(status, func.count()).group_by(status))}


def events_by_outcome(connection: Connection) -> dict[str, int]:
    """Count the submitted events whose ids are still stored, by outcome."""
    outcome = t.event.c.outcome
    return {row[0]: row[1] for row in connection.execute(select(outcome, func.count()).group_by(outcome))}


def notifications_by_state(connection: Connection) -> dict[tuple[str, ...], int]:
    """Count notifications by channel and state."""
    n = t.notification.c
    statement = select(n.channel, n.state, func.count()).group_by(n.channel, n.state)
    return {(row[0], row[1]): row[2] for row in connection.execute(statement)}
