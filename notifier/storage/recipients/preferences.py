"""Distinct sets of preferences: planning judges each set once, however many recipients share it.

There are few distinct sets and rows never change, so a set's canonical text is its identity.
"""

import json
from collections.abc import Iterable
from functools import lru_cache

from sqlalchemy import Connection, select

from notifier.domain.recipients.audience import Preferences
from notifier.domain.values import Channel, Impact, UpdateLevel
from notifier.storage import tables as t
from notifier.storage.database.dialect import insert

# SQLite allows 32,766 parameters per statement; this stays well below, with few statements.
_CHUNK = 500


@lru_cache(maxsize=4096)
def canonical(preferences: Preferences) -> str:
    """Return the canonical text of a set: JSON, keys and lists sorted, no whitespace."""
    return json.dumps(
        {
            "channels": sorted(channel.value for channel in preferences.channels),
            "components": sorted(preferences.components),
            "maintenance": preferences.maintenance,
            "min_impact": preferences.min_impact.value,
            "updates": preferences.updates.value,
        },
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )


@lru_cache(maxsize=4096)
def parse(text: str) -> Preferences:
    """Parse what `canonical` wrote. Components since removed stay in the set and match nothing."""
    data = json.loads(text)
    return Preferences(
        channels=frozenset(map(Channel, data["channels"])),
        components=frozenset(data["components"]),
        min_impact=Impact(data["min_impact"]),
        updates=UpdateLevel(data["updates"]),
        maintenance=data["maintenance"],
    )


def ensure(connection: Connection, preferences: Preferences) -> int:
    """Return the id of a set, storing it if it is new."""
    return ensure_many(connection, [preferences])[preferences]


def ensure_many(connection: Connection, sets: Iterable[Preferences]) -> dict[Preferences, int]:
    """Return the ids of sets, storing new ones, in a constant number of statements per chunk.

    Cache an id only after the transaction has committed.
    """
    wanted = {canonical(preferences): preferences for preferences in sets}
    found = _find(connection, list(wanted))
    missing = sorted(wanted.keys() - found.keys())  # always in the same order: two writers cannot deadlock
    if missing:
        statement = insert(connection, t.preference).on_conflict_do_nothing()
        connection.execute(statement, [{"canonical": text} for text in missing])
        found |= _find(connection, missing)
    return {preferences: found[text] for text, preferences in wanted.items()}


def _find(connection: Connection, texts: list[str]) -> dict[str, int]:
    p = t.preference.c
    found: dict[str, int] = {}
    for start in range(0, len(texts), _CHUNK):
        statement = select(p.canonical, p.id).where(p.canonical.in_(texts[start : start + _CHUNK]))
        found |= {row.canonical: row.id for row in connection.execute(statement)}
    return found
