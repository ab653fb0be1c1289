"""Signals, by source and group, with their alerts."""

from sqlalchemy import Connection, select, update

from notifier.domain.proposals.signal import Signal, SignalState
from notifier.domain.values import ComponentStatus, Impact
from notifier.storage import tables as t
from notifier.storage.database.types import AnyRow

_COLUMNS = t.signal.c


def find(connection: Connection, signal_id: str) -> Signal | None:
    """Return a signal."""
    row = connection.execute(select(t.signal).where(_COLUMNS.id == signal_id)).one_or_none()
    return None if row is None else _read(row)


def published(connection: Connection, draft_id: str, incident_id: str) -> int:
    """Record the incident published from a draft on the draft's signals; returns their number."""
    of_draft = update(t.signal).where(_COLUMNS.draft_id == draft_id)
    return connection.execute(of_draft.values(incident_id=incident_id)).rowcount


def _read(row: AnyRow) -> Signal:
    return Signal(
        id=row.id,
        source=row.source,
        kind=row.kind,
        group=row.group_key,
        state=SignalState(row.state),
        impact=Impact(row.impact),
        components={key: ComponentStatus(status) if status else None for key, status in row.components.items()},
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        title=row.title,
        detail=row.detail,
        link=row.link,
        reason=row.reason,
        changes=row.changes,
        ended_at=row.ended_at,
        draft_id=row.draft_id,
        incident_id=row.incident_id,
        facts=row.facts,
    )
