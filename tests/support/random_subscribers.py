"""Random subscribers with preferences, for property tests; reproducible by one seed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from sqlalchemy import update

from notifier.domain.ids import address_key
from notifier.domain.recipients.audience import Preferences
from notifier.domain.recipients.subscriber import Suppression, SuppressionReason
from notifier.domain.values import Channel, Impact, Status, UpdateLevel
from notifier.services.subscribers.release_deferred import release_deferred
from notifier.storage import tables as t
from notifier.storage.recipients import preferences, suppressions
from tests.support.pipeline_harness import PEPPER, Pipeline

PARTS = ("checkout", "api", "pos")
ZONES = ("Europe/Amsterdam", "America/New_York", "Asia/Kolkata", "Pacific/Auckland")
SCALE = (Impact.NONE, Impact.MINOR, Impact.MAJOR, Impact.CRITICAL)
RUNNING = (Status.INVESTIGATING, Status.IDENTIFIED, Status.MONITORING)


def some(chance: Random, of: Sequence[str]) -> frozenset[str]:
    """Return a random subset; often the empty one, which means all."""
    return frozenset(chance.sample(of, chance.choice((0, 0, 1, 1, 2))))


def a_wish(chance: Random) -> Preferences:
    """Return random preferences, such that most subscribers want some updates."""
    return Preferences(
        channels=frozenset() if chance.random() < 0.05 else frozenset({Channel.EMAIL}),
        components=some(chance, PARTS),
        min_impact=chance.choice(SCALE),
        updates=chance.choice(list(UpdateLevel)),
        maintenance=chance.random() < 0.7,
    )


def a_guard(chance: Random) -> dict[str, Any]:
    """Return random quiet hours in a random zone; none for half the subscribers."""
    columns: dict[str, Any] = {"timezone": chance.choice(ZONES), "quiet_from": None, "quiet_to": None}
    if chance.random() < 0.5:
        start = chance.randrange(0, 1440, 30)
        columns |= {"quiet_from": start, "quiet_to": (start + chance.randrange(30, 900, 30)) % 1440}
    return columns


@dataclass
class RandomSubscribers:
    """Subscribers of one pipeline, some of them sharing an address; `chance` decides everything."""

    pipeline: Pipeline
    chance: Random
    addresses: dict[str, str] = field(default_factory=dict)  # name -> address

    def add(self, number: int, *, states: Sequence[str] = ("active",), limits: Sequence[int | None] = ()) -> None:
        """Add subscribers; those who share an address have the same limit."""
        for place in range(number):
            name = f"shop-{place}"
            harness = self.chance.randrange(number) if self.chance.random() < 0.2 else place
            self.addresses[name] = f"house-{harness}@example.com"
            limit = limits[harness % len(limits)] if limits else None
            columns = a_guard(self.chance) | {"state": self.chance.choice(states), "max_per_hour": limit}
            self.pipeline.subscriber(name, a_wish(self.chance), email=self.addresses[name], **columns)

    def key(self, name: str) -> int:
        """Return the key of a subscriber's address."""
        return address_key(PEPPER, self.addresses[name])

    def change_preferences(self, number: int) -> None:
        """Change the preferences and quiet hours of some."""
        for name in self.chance.sample(sorted(self.addresses), number):
            columns = a_guard(self.chance) if self.chance.random() < 0.5 else {}
            with self.pipeline.database.write() as connection:
                columns["preference_id"] = preferences.ensure(connection, a_wish(self.chance))
                who = t.subscriber.c.external_id == name
                connection.execute(update(t.subscriber).where(who).values(columns))
                release_deferred(connection, self.key(name), self.pipeline.now)

    def suppress_and_opt_out(self, now: datetime) -> None:
        """Suppress one address, and opt one out of the incident."""
        stopped, out = self.chance.sample(sorted(self.addresses), 2)
        with self.pipeline.database.write() as connection:
            item = Suppression(channel=Channel.EMAIL, reason=SuppressionReason.BOUNCED, since=now)
            suppressions.add(connection, self.key(stopped), item)
            suppressions.opt_out(connection, "inc-1", self.key(out), now)

    def news(self) -> dict[str, Any]:
        """Return a random impact and random components for the incident."""
        impact = Impact.MAINTENANCE if self.chance.random() < 0.1 else self.chance.choice(SCALE)
        return {"impact": impact, "components": tuple(sorted(some(self.chance, PARTS)))}
