"""Signals, by source and group, and the alerts that each of them holds."""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, or_, select, text, update

from notifier.domain.proposals.draft import DraftState
from notifier.domain.proposals.grouping import Grouped, HeldAlert, Known
from notifier.domain.proposals.signal import Alert, Signal, SignalState
from notifier.domain.values import ComponentStatus, Impact
from notifier.storage import tables as t
from notifier.storage.database.dialect import is_sqlite, prepared_insert
from notifier.storage.database.types import AnyRow

_COLUMNS, _ALERTS = t.signal.c, t.signal_alert.c
_PROPOSALS = "proposals"
_OF_GROUP = 8  # the newest signals of a group: at most one of them goes on
_CHUNK = 1_000
_MOST_COMPARED = 1_000
_ADD = t.signal.insert()
_CHANGE = update(t.signal).where(_COLUMNS.id == bindparam("signal_id"))
_STILL_SEEN = _CHANGE.values(last_seen_at=bindparam("seen_at"))
_FIND = select(t.signal).where(_COLUMNS.id == bindparam("signal_id"))
_HOLDERS = (
    select(_ALERTS.signal_id)
    .where(_ALERTS.source == bindparam("source"), _ALERTS.key.in_(bindparam("keys", expanding=True)))
    .distinct()
)
_GROUP = (
    select(t.signal)
    .where(_COLUMNS.source == bindparam("source"), _COLUMNS.group_key == bindparam("group"))
    .order_by(_COLUMNS.last_seen_at.desc())
    .limit(_OF_GROUP)
)
_SOME = select(t.signal).where(_COLUMNS.id.in_(bindparam("ids", expanding=True)))
_ALERTS_OF = select(t.signal_alert).where(_ALERTS.signal_id.in_(bindparam("ids", expanding=True)))
_KEEP_ALERT = prepared_insert(
    t.signal_alert,
    lambda insert: insert.on_conflict_do_update(
        index_elements=["source", "key"],
        set_={
            column.name: insert.excluded[column.name]
            for column in t.signal_alert.columns
            if column.name not in ("source", "key")
        },
    ),
)


def lock_source(connection: Connection, source: str) -> None:
    """Hold a source until the transaction ends: its reports are taken one after another."""
    _lock(connection, f"source {source}")


def lock_proposals(connection: Connection) -> None:
    """Hold all proposals until the transaction ends, so that two sources do not propose one outage twice.

    Taken after `lock_source`, and before any draft is read.
    """
    _lock(connection, _PROPOSALS)


def _lock(connection: Connection, name: str) -> None:
    if is_sqlite(connection):  # there is one writer at a time
        return
    number = int.from_bytes(hashlib.sha256(f"signals: {name}".encode()).digest()[:8], "big", signed=True)
    connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def group_key(group: str) -> str:
    """Return what stands for a source's own name of a group."""
    return hashlib.sha256(group.encode()).hexdigest()


def known(connection: Connection, source: str, keys: Sequence[str], group: str) -> Known:
    """Return what a report of `source` may continue: the signals of its alerts' keys, and of its group."""
    holders: set[str] = set()
    for some in _chunks(keys):
        holders |= set(connection.execute(_HOLDERS, {"source": source, "keys": some}).scalars())
    of_group = connection.execute(_GROUP, {"source": source, "group": group})
    found = {row.id: _read(row) for row in of_group}
    for some in _chunks(sorted(holders - found.keys())):
        found |= {row.id: _read(row) for row in connection.execute(_SOME, {"ids": some})}
    alerts: dict[str, HeldAlert] = {}
    for some in _chunks(sorted(found)):
        for row in connection.execute(_ALERTS_OF, {"ids": some}):
            alerts[row.key] = _read_alert(row)
    return Known(signals=found, alerts=alerts)


def keep(connection: Connection, grouped: Grouped, source: str, now: datetime) -> None:
    """Store what a report changed."""
    for change in grouped.signals:
        if change.before is None:
            connection.execute(_ADD, _values(change.after) | {"id": change.after.id})
        elif change.before == change.after or not change.is_change:
            connection.execute(_STILL_SEEN, {"signal_id": change.after.id, "seen_at": now})
        else:
            save(connection, change.after)
    rows = [_alert_values(held, source, now) for held in grouped.alerts]
    if rows:
        connection.execute(_KEEP_ALERT(connection), rows)


def save(connection: Connection, signal: Signal) -> None:
    """Store what a signal says; its draft and its incident are set by themselves, as somebody may publish meanwhile."""
    connection.execute(_CHANGE.values(**_values(signal)), {"signal_id": signal.id})


def forget_ended(connection: Connection, signal_ids: Collection[str], before: datetime) -> None:
    """Remove the alerts of signals that ended before that: they would begin anew."""
    old = and_(_ALERTS.signal_id.in_(signal_ids), _ALERTS.firing.is_(False), _ALERTS.last_seen_at < before)
    connection.execute(delete(t.signal_alert).where(old))


def find(connection: Connection, signal_id: str, *, lock: bool = False) -> Signal | None:
    """Return a signal; `lock`: the caller's transaction holds it until its end."""
    statement = _FIND.with_for_update() if lock else _FIND
    row = connection.execute(statement, {"signal_id": signal_id}).one_or_none()
    return None if row is None else _read(row)


def of_draft(connection: Connection, draft_id: str) -> list[Signal]:
    """Return the signals of a draft, the oldest first."""
    return _listed(connection, _COLUMNS.draft_id == draft_id)


def of_incident(connection: Connection, incident_id: str) -> list[Signal]:
    """Return the signals of an incident, the oldest first."""
    return _listed(connection, _COLUMNS.incident_id == incident_id)


def unended(connection: Connection, source: str, kind: str) -> list[Signal]:
    """Return the signals of a source that have not ended, those recorded only included, the oldest first."""
    is_open = and_(_COLUMNS.ended_at.is_(None), _COLUMNS.state != SignalState.ENDED.value)
    return _listed(connection, and_(_COLUMNS.source == source, _COLUMNS.kind == kind, is_open))


def _listed(connection: Connection, which: Any) -> list[Signal]:
    rows = connection.execute(select(t.signal).where(which).order_by(_COLUMNS.first_seen_at, _COLUMNS.id))
    return [_read(row) for row in rows]


def proposed_since(connection: Connection, since: datetime) -> list[tuple[str, frozenset[str]]]:
    """Return (draft, components) of firing signals that began since then and whose draft is open, oldest first."""
    statement = (
        select(_COLUMNS.draft_id, _COLUMNS.components)
        .join(t.draft, t.draft.c.id == _COLUMNS.draft_id)
        .where(
            _COLUMNS.state == SignalState.FIRING.value,
            _COLUMNS.first_seen_at >= since,
            _COLUMNS.incident_id.is_(None),
            t.draft.c.state == DraftState.OPEN.value,
        )
        .order_by(_COLUMNS.first_seen_at, _COLUMNS.id)
        .limit(_MOST_COMPARED)
    )
    return [(row.draft_id, frozenset(row.components)) for row in connection.execute(statement) if row.components]


def belong_to(connection: Connection, signal_ids: Collection[str], draft_id: str | None) -> None:
    """Set the draft of some signals."""
    connection.execute(update(t.signal).where(_COLUMNS.id.in_(signal_ids)).values(draft_id=draft_id))


def detach(connection: Connection, signal_id: str) -> None:
    """Let a signal begin anew, without draft and incident."""
    connection.execute(_CHANGE.values(draft_id=None, incident_id=None), {"signal_id": signal_id})


def join_incident(connection: Connection, signal_ids: Collection[str], incident_id: str) -> None:
    """Set the incident of some signals."""
    connection.execute(update(t.signal).where(_COLUMNS.id.in_(signal_ids)).values(incident_id=incident_id))


def published(connection: Connection, draft_id: str, incident_id: str) -> int:
    """Note the incident that was published from a draft on the draft's signals; returns how many there are."""
    of_draft = update(t.signal).where(_COLUMNS.draft_id == draft_id)
    return connection.execute(of_draft.values(incident_id=incident_id)).rowcount


def page(
    connection: Connection,
    *,
    states: Sequence[SignalState],
    source: str | None,
    before: tuple[datetime, str] | None,
    limit: int,
) -> list[Signal]:
    """Return signals, those that began last first, after (`first_seen_at`, id) in that order; no states: all."""
    statement = select(t.signal)
    if states:
        statement = statement.where(_COLUMNS.state.in_([state.value for state in states]))
    if source is not None:
        statement = statement.where(_COLUMNS.source == source)
    if before is not None:
        at, signal_id = before
        is_older = or_(_COLUMNS.first_seen_at < at, and_(_COLUMNS.first_seen_at == at, _COLUMNS.id < signal_id))
        statement = statement.where(is_older)
    newest_first = statement.order_by(_COLUMNS.first_seen_at.desc(), _COLUMNS.id.desc()).limit(limit)
    return [_read(row) for row in connection.execute(newest_first)]


def remove(connection: Connection, before: datetime, limit: int) -> int:
    """Remove up to `limit` signals that were last reported before that, with their alerts; returns how many."""
    old = select(_COLUMNS.id).where(_COLUMNS.last_seen_at < before).limit(limit)
    ids = list(connection.execute(old).scalars())
    for some in _chunks(ids):
        connection.execute(delete(t.signal_alert).where(_ALERTS.signal_id.in_(some)))
        connection.execute(delete(t.signal).where(_COLUMNS.id.in_(some)))
    return len(ids)


def _chunks(items: Sequence[str]) -> Iterator[Sequence[str]]:
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))


def _values(signal: Signal) -> dict[str, Any]:
    return {
        "source": signal.source,
        "kind": signal.kind,
        "group_key": signal.group,
        "state": signal.state.value,
        "impact": signal.impact.value,
        "components": dict(signal.components),
        "title": signal.title,
        "detail": signal.detail,
        "link": signal.link,
        "reason": signal.reason,
        "facts": dict(signal.facts),
        "changes": signal.changes,
        "first_seen_at": signal.first_seen_at,
        "last_seen_at": signal.last_seen_at,
        "ended_at": signal.ended_at,
    }


def _alert_values(held: HeldAlert, source: str, now: datetime) -> dict[str, Any]:
    return {
        "source": source,
        "key": held.alert.key,
        "signal_id": held.signal_id,
        "group_key": held.group,
        "firing": held.alert.is_firing,
        "impact": held.alert.impact.value,
        "components": dict(held.alert.components),
        "started_at": held.alert.started_at,
        "last_seen_at": now,
    }


def _components(found: Mapping[str, Any]) -> dict[str, ComponentStatus | None]:
    return {key: ComponentStatus(status) if status else None for key, status in found.items()}


def _read(row: AnyRow) -> Signal:
    return Signal(
        id=row.id,
        source=row.source,
        kind=row.kind,
        group=row.group_key,
        state=SignalState(row.state),
        impact=Impact(row.impact),
        components=_components(row.components),
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


def _read_alert(row: AnyRow) -> HeldAlert:
    alert = Alert(
        key=row.key,
        is_firing=row.firing,
        impact=Impact(row.impact),
        components=_components(row.components),
        started_at=row.started_at,
    )
    return HeldAlert(alert=alert, signal_id=row.signal_id, group=row.group_key)
