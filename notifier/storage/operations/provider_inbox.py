"""The inbox of other systems' reports, deduplicated by their ids. No addresses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from notifier.storage import tables as t
from notifier.storage.database.dialect import insert

_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedEvent:
    """One report. `notification_id` and `recipient_key` name its delivery, if known."""

    id: str
    kind: str
    body: Mapping[str, Any] = field(default_factory=dict)
    notification_id: int | None = None
    recipient_key: int | None = None


def add_many(connection: Connection, events: Sequence[ReportedEvent], now: datetime) -> set[str]:
    """Store reports; returns the ids of new ones. Repeated ids count once."""
    # Always in the same order, so that two transactions with the same reports cannot deadlock.
    rows = sorted({event.id: event for event in events}.values(), key=lambda event: event.id)
    fresh: set[str] = set()
    for start in range(0, len(rows), _CHUNK):
        values = [
            {
                "id": event.id,
                "kind": event.kind,
                "notification_id": event.notification_id,
                "recipient_key": event.recipient_key,
                "body": dict(event.body),
                "received_at": now,
            }
            for event in rows[start : start + _CHUNK]
        ]
        statement = insert(connection, t.provider_event).on_conflict_do_nothing().returning(t.provider_event.c.id)
        fresh |= {str(found) for found in connection.execute(statement, values).scalars()}
    return fresh


def holds(connection: Connection, event_id: str) -> bool:
    """Whether a report was stored before."""
    statement = select(t.provider_event.c.id).where(t.provider_event.c.id == event_id)
    return connection.execute(statement).one_or_none() is not None


def bodies_since(connection: Connection, kind: str, since: datetime, limit: int) -> list[dict[str, Any]]:
    """Return recent reports of a kind, newest first."""
    p = t.provider_event.c
    statement = select(p.body).where(p.received_at >= since, p.kind == kind).order_by(p.received_at.desc()).limit(limit)
    return [dict(body) for body in connection.execute(statement).scalars()]
