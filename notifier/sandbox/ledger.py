"""Counts of everything received. Ids and counts stay in memory even if the messages are dropped."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

CHANNELS = ("email", "x", "mastodon", "bluesky", "webhook")


@dataclass(slots=True)
class Arrivals:
    """The received deliveries of one notification. Times are Unix seconds."""

    first_at: float
    last_at: float
    count: int = 0


@dataclass(slots=True)
class Ledger:
    """Counts per channel.

    `deliveries` counts each delivery id by channel. `notifications` has the times of a
    notification's first and last delivery. `addresses` counts mails by a hash of the address,
    `mails` by a hash of address and notification.
    """

    deliveries: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in CHANNELS})
    notifications: dict[str, dict[str, Arrivals]] = field(default_factory=lambda: {name: {} for name in CHANNELS})
    locales: Counter[str] = field(default_factory=Counter)
    addresses: Counter[int] = field(default_factory=Counter)
    mails: Counter[int] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)  # "email 400" -> requests refused

    def deliver(self, channel: str, delivery_ids: Iterable[str | None]) -> None:
        """Count delivery ids; a missing id counts as the empty id."""
        self.deliveries[channel].update(found or "" for found in delivery_ids)

    def notify(self, channel: str, notification_ids: Iterable[str], now: float) -> None:
        """Record deliveries of these notifications, one per occurrence of an id."""
        for notification_id, number in Counter(notification_ids).items():
            arrivals = self.notifications[channel].get(notification_id)
            if arrivals is None:
                arrivals = self.notifications[channel][notification_id] = Arrivals(now, now)
            arrivals.last_at = now
            arrivals.count += number

    def clear(self) -> None:
        """Reset all counts."""
        fresh = Ledger()
        for name in self.__slots__:
            setattr(self, name, getattr(fresh, name))

    def refuse(self, channel: str, status: int) -> None:
        """Count a request that got an error response."""
        self.refused[f"{channel} {status}"] += 1

    def duplicates(self, channel: str) -> int:
        """Return the number of deliveries beyond the first of each delivery id."""
        seen = self.deliveries[channel]
        named = seen.total() - seen[""] if "" in seen else seen.total()
        return named - len(seen) + ("" in seen)

    def lines(self) -> Iterator[tuple[str, str, int]]:
        """Yield (channel, delivery id, count) for all deliveries with an id."""
        for channel, seen in self.deliveries.items():
            for delivery_id, number in list(seen.items()):
                if delivery_id:
                    yield channel, delivery_id, number
