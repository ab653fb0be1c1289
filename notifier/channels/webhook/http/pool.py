"""A pool of idle connections, limited in number and time."""

from collections import OrderedDict
from collections.abc import Callable, Sequence

from notifier.channels.webhook.http.connection import HttpConnection

PoolKey = tuple[str, str, int]  # scheme, host, port


class IdlePool:
    """At most `limit` idle connections, each for at most `seconds` of the given clock.

    A full pool refuses new connections instead of closing the least recently used one: messages
    cycle through all endpoints, so that would always close the connection needed next.
    """

    def __init__(self, *, limit: int, seconds: float, clock: Callable[[], float]) -> None:
        self._limit, self._seconds, self._clock = limit, seconds, clock
        self._since: OrderedDict[HttpConnection, tuple[PoolKey, float]] = OrderedDict()  # oldest first
        self._by_key: dict[PoolKey, list[HttpConnection]] = {}

    def __len__(self) -> int:
        return len(self._since)

    def take(self, key: PoolKey, addresses: Sequence[str]) -> HttpConnection | None:
        """Return the most recently used connection to one of the freshly vetted addresses."""
        for connection in reversed(self._by_key.get(key, ())):
            if connection.reusable and connection.address in addresses:
                self.forget(connection)
                return connection
        return None

    def give(self, key: PoolKey, connection: HttpConnection) -> None:
        """Keep a reusable connection; close any other."""
        if len(self._since) >= self._limit:
            self.sweep()
        if not connection.reusable or len(self._since) >= self._limit:
            connection.abort()
            return
        self._since[connection] = (key, self._clock())
        self._by_key.setdefault(key, []).append(connection)

    def forget(self, connection: HttpConnection) -> None:
        """Remove a taken or lost connection; ignore an unknown one."""
        known = self._since.pop(connection, None)
        if known is None:
            return
        same = self._by_key[known[0]]
        same.remove(connection)
        if not same:
            del self._by_key[known[0]]

    def close_oldest(self) -> bool:
        """Close the longest idle connection; return False if there is none."""
        if not self._since:
            return False
        connection = next(iter(self._since))
        self.forget(connection)
        connection.abort()
        return True

    def sweep(self) -> None:
        """Close connections that have been idle too long."""
        before = self._clock() - self._seconds
        while self._since and next(iter(self._since.values()))[1] <= before:
            self.close_oldest()

    def close(self) -> None:
        """Close all."""
        while self.close_oldest():
            pass
