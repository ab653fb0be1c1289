"""Components removed from the configuration that incidents, subscribers or endpoints name."""

from collections.abc import Collection

from sqlalchemy import Connection, Table, func, select

from notifier.domain import canary
from notifier.domain.values import Status
from notifier.storage import tables as t
from notifier.storage.recipients import preferences

_OVER = [status.value for status in Status if status.is_over]
_LISTENING = ("active", "pending")


def named_by(connection: Connection, incident_id: str) -> frozenset[str]:
    """Return the keys of all components that an incident's updates ever named."""
    rows = connection.execute(
        select(t.incident_update.c.incident).where(t.incident_update.c.incident_id == incident_id)
    )
    return frozenset(part["key"] for incident in rows.scalars() for part in incident["components"])


def open_incidents(connection: Connection, known: Collection[str]) -> dict[str, list[str]]:
    """Return, per open incident, the components it names that are not among `known`."""
    i = t.incident.c
    rows = connection.execute(select(i.id, i.components).where(i.status.not_in(_OVER)).order_by(i.created_at, i.id))
    found = {row.id: _strangers({part["key"] for part in row.components}, known) for row in rows}
    return {incident_id: keys for incident_id, keys in found.items() if keys}


def listening_to_nothing(connection: Connection, known: Collection[str]) -> tuple[int, int, list[str]]:
    """Count subscribers and endpoints that chose only removed components; list those components."""
    p = t.preference.c
    chosen = {
        row.id: preferences.parse(row.canonical).components for row in connection.execute(select(p.id, p.canonical))
    }
    lost = {
        preference_id: keys
        for preference_id, keys in chosen.items()
        if keys and len(_strangers(keys, known)) == len(keys)
    }
    per_set = [_listeners(connection, table, lost) for table in (t.subscriber, t.endpoint)]
    named = sorted(
        {
            key
            for preference_id, keys in lost.items()
            for key in keys
            if any(preference_id in counts for counts in per_set)
        }
    )
    return sum(per_set[0].values()), sum(per_set[1].values()), named


def _listeners(connection: Connection, table: Table, sets: Collection[int]) -> dict[int, int]:
    """Count a table's active recipients for each of these sets of preferences."""
    preference_id = table.c.preference_id
    statement = select(preference_id, func.count()).where(table.c.state.in_(_LISTENING)).group_by(preference_id)
    return {found: count for found, count in connection.execute(statement) if found in sets}


def _strangers(named: Collection[str], known: Collection[str]) -> list[str]:
    return sorted(key for key in named if key not in known and key != canary.COMPONENT)
