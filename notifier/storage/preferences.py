"""Distinct sets of preferences: one row each, shared by everybody who chose alike."""

import json

from sqlalchemy import Connection, select

from notifier.domain.audience import Preferences
from notifier.domain.values import Channel, Impact, Wanted
from notifier.storage import tables as t
from notifier.storage.dialect import insert


def canonical(preferences: Preferences) -> str:
    """Write preferences so that equal sets have equal text: sorted keys and lists, no blanks."""
    return json.dumps(
        {
            "channels": sorted(preferences.channels),
            "components": sorted(preferences.components),
            "maintenance": preferences.maintenance,
            "min_impact": preferences.min_impact.value,
            "updates": preferences.updates.value,
        },
        separators=(",", ":"),
    )


def parse(text: str) -> Preferences:
    """Read what `canonical` wrote."""
    data = json.loads(text)
    return Preferences(
        channels=frozenset(Channel(channel) for channel in data["channels"]),
        components=frozenset(data["components"]),
        min_impact=Impact(data["min_impact"]),
        updates=Wanted(data["updates"]),
        maintenance=data["maintenance"],
    )


def ensure(connection: Connection, preferences: Preferences) -> int:
    """Return the number of a set, storing it when it is new."""
    text = canonical(preferences)
    connection.execute(insert(connection, t.preference).values(canonical=text).on_conflict_do_nothing())
    statement = select(t.preference.c.id).where(t.preference.c.canonical == text)
    return int(connection.execute(statement).scalar_one())
