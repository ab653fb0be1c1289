"""What arrived, counted for all: ids and numbers stay in memory even when the messages themselves have been dropped."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

CHANNELS = ("email", "x", "mastodon", "bluesky", "webhook")


@dataclass(slots=True)
class Arrivals:
    """The deliveries of one notification that arrived. Times are Unix seconds."""

    first_at: float
    last_at: float
    count: int = 0


@dataclass(slots=True)
class Ledger:
    """Counts per channel.

    `deliveries` counts each delivery id by channel; `notifications` tells when the first and the last delivery of a
    notification arrived; `addresses` counts mails by a hash of the address, `letters` by one of address + notification.
    """

    deliveries: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in CHANNELS})
    notifications: dict[str, dict[str, Arrivals]] = field(default_factory=lambda: {name: {} for name in CHANNELS})
    locales: Counter[str] = field(default_factory=Counter)
    addresses: Counter[int] = field(default_factory=Counter)
    letters: Counter[int] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)  # "email 400" -> requests refused

    def deliver(self, channel: str, delivery_ids: Iterable[str | None]) -> None:
        """Count delivery ids; a delivery without an id is counted under the empty id."""
        self.deliveries[channel].update(found or "" for found in delivery_ids)

    def notify(self, channel: str, notification_ids: Iterable[str], now: float) -> None:
        """Note that deliveries of these notifications arrived now, one for each time an id is given."""
        for notification_id, number in Counter(notification_ids).items():
            arrivals = self.notifications[channel].get(notification_id)
            if arrivals is None:
                arrivals = self.notifications[channel][notification_id] = Arrivals(now, now)
            arrivals.last_at = now
            arrivals.count += number

    def clear(self) -> None:
        """Start counting afresh."""
        fresh = Ledger()
        for name in self.__slots__:
            setattr(self, name, getattr(fresh, name))

    def refuse(self, channel: str, status: int) -> None:
        """Count a request that was answered with an error."""
        self.refused[f"{channel} {status}"] += 1

    def duplicates(self, channel: str) -> int:
        """How many deliveries arrived beyond the first of each delivery id."""
        seen = self.deliveries[channel]
        named = seen.total() - seen[""] if "" in seen else seen.total()
        return named - len(seen) + ("" in seen)

    def lines(self) -> Iterator[tuple[str, str, int]]:
        """Yield (channel, delivery id, how often it arrived) for all that have an id."""
        for channel, seen in self.deliveries.items():
            for delivery_id, number in list(seen.items()):
                if delivery_id:
                    yield channel, delivery_id, number
