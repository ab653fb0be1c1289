"""Drafts, by state and by incident."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, insert, or_, select, update

from notifier.domain.proposals.draft import Draft, DraftState
from notifier.storage import tables as t
from notifier.storage.database.types import AnyRow

_COLUMNS = t.draft.c
_FIELDS = (
    *("id", "version", "incident", "update", "notify", "visible", "after", "event_id", "source", "signal_id"),
    *("template_id", "reason", "author", "edited_by", "receipt"),
    *("created_at", "updated_at", "reminded_at", "closed_at"),
)


def add(connection: Connection, draft: Draft) -> None:
    """Store a new draft."""
    connection.execute(insert(t.draft).values(**_values(draft), id=draft.id))


def find(connection: Connection, draft_id: str, *, lock: bool = False) -> Draft | None:
    """Return a draft; `lock` locks its row for this transaction."""
    statement = select(t.draft).where(_COLUMNS.id == draft_id)
    row = connection.execute(statement.with_for_update() if lock else statement).one_or_none()
    return None if row is None else _read(row)


def save(connection: Connection, draft: Draft, *, seen_version: int) -> bool:
    """Replace a draft; False, without a change, if the stored version is not `seen_version`."""
    is_seen = and_(_COLUMNS.id == draft.id, _COLUMNS.version == seen_version)
    return connection.execute(update(t.draft).where(is_seen).values(**_values(draft))).rowcount == 1


def keep_receipt(connection: Connection, draft_id: str, receipt: Mapping[str, Any]) -> None:
    """Store the full result of a publication, which is only known after its transaction."""
    connection.execute(update(t.draft).where(_COLUMNS.id == draft_id).values(receipt=dict(receipt)))


def page(
    connection: Connection, state: DraftState, *, before: tuple[datetime, str] | None, limit: int
) -> Sequence[Draft]:
    """Return drafts of a state, newest first, after a cursor of (`created_at`, id)."""
    statement = select(t.draft).where(_COLUMNS.state == state.value)
    if before is not None:
        at, draft_id = before
        is_older = or_(_COLUMNS.created_at < at, and_(_COLUMNS.created_at == at, _COLUMNS.id < draft_id))
        statement = statement.where(is_older)
    newest_first = statement.order_by(_COLUMNS.created_at.desc(), _COLUMNS.id.desc()).limit(limit)
    return [_read(row) for row in connection.execute(newest_first)]


def of_incident(connection: Connection, incident_id: str, state: DraftState = DraftState.OPEN) -> Sequence[Draft]:
    """Return the drafts of a state about one incident, oldest first."""
    about = select(t.draft).where(_COLUMNS.incident_id == incident_id, _COLUMNS.state == state.value)
    return [_read(row) for row in connection.execute(about.order_by(_COLUMNS.created_at, _COLUMNS.id))]


def opened_before(connection: Connection, before: datetime, limit: int, *, unreminded: bool = False) -> Sequence[Draft]:
    """Return open drafts made before that, the oldest first; `unreminded`: those nobody was reminded of."""
    old = select(t.draft).where(_COLUMNS.state == DraftState.OPEN.value, _COLUMNS.created_at < before)
    wanted = old.where(_COLUMNS.reminded_at.is_(None)) if unreminded else old
    return [_read(row) for row in connection.execute(wanted.order_by(_COLUMNS.created_at).limit(limit))]


def forget(connection: Connection, before: datetime, limit: int) -> int:
    """Remove drafts that were closed before that; returns how many."""
    closed = select(_COLUMNS.id).where(_COLUMNS.closed_at < before).limit(limit)
    return connection.execute(delete(t.draft).where(_COLUMNS.id.in_(closed))).rowcount


def _values(draft: Draft) -> Mapping[str, Any]:
    values = {name: getattr(draft, name) for name in _FIELDS if name != "id"}
    return values | {
        "state": draft.state.value,
        "incident_id": draft.incident_id,
        "incident": dict(draft.incident),
        "update": dict(draft.update),
    }


def _read(row: AnyRow) -> Draft:
    return Draft(state=DraftState(row.state), **{name: getattr(row, name) for name in _FIELDS})
