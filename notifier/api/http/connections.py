"""The open connections of one process, and which to close when a new one needs room.

Work is limited, not presence. An idle connection costs nothing and is closed when the room is
needed; a connection whose request is being answered is never closed for that reason.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from itertools import chain
from typing import Protocol

Network = IPv4Network | IPv6Network
_PREFIX_V6 = 64  # a provider typically assigns one customer a /64


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """How many connections are allowed, and how long one may take (seconds)."""

    most: int = 1_000
    most_per_address: int = 256
    head: float = 10.0  # from accept, or the first byte of a later head, to its end
    idle_under_pressure: float = 5.0  # between requests, once half of the room is in use
    unread: float = 30.0  # an answer of which the client reads nothing


class Client(Protocol):
    """One connection, as the table uses it (`protocol.py`)."""

    address: str
    quiet_since: float | None  # None: a request is being received or answered
    busy_since: float
    head_since: float | None  # when the first byte of the next head arrived
    is_answered: bool  # at least once
    is_producer: bool  # by its latest request

    @property
    def is_sending_body(self) -> bool:
        """Return whether a request's head is complete and its body is not."""

    def unsent(self) -> int:
        """Return how many bytes of the answer the client has not read."""

    def end(self) -> None:
        """Close a connection that is idle or must make room."""

    def time_out(self) -> None:
        """Close a connection whose head is late; answer 408 if a head had begun."""

    def abort(self) -> None:
        """Drop the connection and all unsent data."""


class ConnectionTable:
    """Belongs to one event loop. `admit` and `quiet` are cheap; `look` is for once a second.

    Connections of producers are closed last, but idle ones never occupy more than a quarter of the
    room.
    """

    def __init__(
        self,
        limits: ConnectionLimits,
        *,
        uncapped: Sequence[Network] = (),
        count: Callable[[str], None] = lambda _reason: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start empty.

        Args:
            limits: The limits to apply.
            uncapped: Networks exempt from the per-address limit: trusted proxies. Loopback always
                is.
            count: Called with the reason whenever a connection is dropped.
            clock: Monotonic seconds.
        """
        self.limits, self._uncapped, self.count, self.clock = limits, tuple(uncapped), count, clock
        self.is_watched = False
        self._open: dict[Client, int] = {}  # -> bytes unsent at the last look
        self._stuck: dict[Client, float] = {}
        self._readers: dict[Client, None] = {}  # idle ones, longest idle first
        self._producers: dict[Client, None] = {}
        self._of: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, client: Client) -> bool:
        """Add a connection, closing another if there is no room; False if none can be closed."""
        name = client.address = self._address(client.address)
        if name and self._of[name] >= self.limits.most_per_address and not self._give_way("address", name):
            return False
        if len(self._open) >= self.limits.most and not self._give_way("full"):
            return False
        self._open[client] = 0
        if name:
            self._of[name] += 1
        self.quiet(client)
        return True

    def quiet(self, client: Client) -> None:
        """Mark a connection as idle from now on."""
        client.quiet_since, client.head_since = self.clock(), None
        if client in self._open:
            (self._producers if client.is_producer else self._readers)[client] = None

    def busy(self, client: Client) -> None:
        """Mark a connection as busy: a request's head is complete."""
        client.quiet_since, client.busy_since = None, self.clock()
        self._readers.pop(client, None)
        self._producers.pop(client, None)

    def gone(self, client: Client) -> None:
        """Remove a connection."""
        if self._open.pop(client, None) is None:
            return
        self._readers.pop(client, None)
        self._producers.pop(client, None)
        self._stuck.pop(client, None)
        if client.address:
            self._of[client.address] -= 1
            if not self._of[client.address]:
                del self._of[client.address]

    def look(self) -> None:
        """Close connections that exceed a time limit."""
        now = self.clock()
        for client in self._unread(now):
            self.gone(client)
            client.abort()
            self.count("unread")
        is_pressed = len(self._open) > self.limits.most // 2
        for client in list(chain(self._readers, self._producers)):
            self._look_at(client, now, is_pressed=is_pressed)

    def _look_at(self, client: Client, now: float, *, is_pressed: bool) -> None:
        if self._open[client]:  # its answer is still being sent
            return
        quiet = now - (client.quiet_since or now)
        since = client.head_since if client.is_answered else client.quiet_since
        if since is not None and now - since >= self.limits.head:
            self._drop(client, "head_time", client.time_out)
        elif is_pressed and client.is_answered and not client.is_producer and quiet >= self.limits.idle_under_pressure:
            self._drop(client, "idle", client.end)

    def _unread(self, now: float) -> list[Client]:
        late = []
        for client, before in self._open.items():
            unsent = self._open[client] = client.unsent()
            if not unsent or unsent < before:
                self._stuck.pop(client, None)
            elif now - self._stuck.setdefault(client, now) >= self.limits.unread:
                late.append(client)
        return late

    def _give_way(self, reason: str, address: str | None = None) -> bool:
        for client in self._in_turn():
            if (address is None or client.address == address) and not client.unsent():
                self._drop(client, reason, client.end)
                return True
        stuck = next((client for client in self._stuck if address in {None, client.address}), None)
        if stuck is not None:
            self._drop(stuck, reason, stuck.abort)
        return stuck is not None

    def _in_turn(self) -> Iterator[Client]:
        """Yield connections in closing order: longest idle, then slowest body, producers last."""
        if len(self._producers) > self.limits.most // 4:
            yield next(iter(self._producers))
        yield from self._readers
        sending = (client for client in self._open if client.quiet_since is None and client.is_sending_body)
        yield from sorted(sending, key=lambda client: client.busy_since)
        yield from self._producers

    def _drop(self, client: Client, reason: str, how: Callable[[], None]) -> None:
        self.gone(client)
        self.count(reason)
        how()

    def _address(self, text: str) -> str:
        """Return the key of the per-address limit: IPv4 address or IPv6 /64; empty if exempt."""
        try:
            address = ip_address(text.partition("%")[0])
        except ValueError:  # a Unix socket
            return ""
        if address.version == 6 and address.ipv4_mapped is not None:  # noqa: PLR2004
            address = address.ipv4_mapped
        if address.is_loopback or any(address in network for network in self._uncapped):
            return ""
        if address.version == 4:  # noqa: PLR2004
            return str(address)
        return str(IPv6Network((address, _PREFIX_V6), strict=False))
