"""The open connections of one process: which of them give way, so that there is always room for whoever asks next.

What is limited is work, not presence. A reader who keeps a connection open costs nothing and loses it once the room is
needed; a request that is being answered never does.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from itertools import chain
from typing import Protocol

Network = IPv4Network | IPv6Network
_PREFIX_V6 = 64  # what one customer of a provider has


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """How many connections, and how long one may keep us waiting (seconds)."""

    most: int = 1_000
    most_per_address: int = 256
    head: float = 10.0  # from accepting, and from the first byte of a later request, to the end of its head
    idle_under_pressure: float = 5.0  # between requests, once half of the room is taken
    unread: float = 30.0  # an answer of which the reader takes nothing


class Client(Protocol):
    """One connection, as the table sees it (`protocol.py`)."""

    address: str
    quiet_since: float | None  # None: a request is being taken or answered
    busy_since: float
    head_since: float | None  # when the first byte of the next head came
    is_answered: bool  # at least once
    is_producer: bool  # by its latest request

    @property
    def is_sending_body(self) -> bool:
        """Whether a request's head is here and its body is not yet."""

    def unsent(self) -> int:
        """Bytes of the answer that the reader has not taken."""

    def end(self) -> None:
        """Close an idle connection, or one that is in the way."""

    def time_out(self) -> None:
        """Close a connection whose head did not come in time; say so where one had begun."""

    def abort(self) -> None:
        """Drop the connection and whatever was still to be sent."""


class ConnectionTable:
    """Belongs to one event loop. Adding and going idle cost a few dictionary operations; `look` is for once a second.

    Connections of producers give way last, but never hold more than a quarter of the room by being idle.
    """

    def __init__(
        self,
        limits: ConnectionLimits,
        *,
        uncapped: Sequence[Network] = (),
        count: Callable[[str], None] = lambda _reason: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin empty.

        Args:
            limits: What applies.
            uncapped: Networks that speak for many: trusted proxies. This machine's own addresses always do.
            count: Is told why a connection had to go.
            clock: Seconds.
        """
        self.limits, self._uncapped, self.count, self.clock = limits, tuple(uncapped), count, clock
        self.is_watched = False
        self._open: dict[Client, int] = {}  # with how much was unsent at the last look
        self._stuck: dict[Client, float] = {}
        self._readers: dict[Client, None] = {}  # quiet ones, longest first
        self._producers: dict[Client, None] = {}
        self._of: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, client: Client) -> bool:
        """Take a new connection in, at the cost of another where there is no room; False when nobody can give way."""
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
        """Note that nothing is being done for a connection from now on."""
        client.quiet_since, client.head_since = self.clock(), None
        if client in self._open:
            (self._producers if client.is_producer else self._readers)[client] = None

    def busy(self, client: Client) -> None:
        """Note that a request's head is whole."""
        client.quiet_since, client.busy_since = None, self.clock()
        self._readers.pop(client, None)
        self._producers.pop(client, None)

    def gone(self, client: Client) -> None:
        """Forget a connection."""
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
        """End what takes too long."""
        now = self.clock()
        for client in self._unread(now):
            self.gone(client)
            client.abort()
            self.count("unread")
        is_pressed = len(self._open) > self.limits.most // 2
        for client in list(chain(self._readers, self._producers)):
            self._look_at(client, now, is_pressed=is_pressed)

    def _look_at(self, client: Client, now: float, *, is_pressed: bool) -> None:
        if self._open[client]:  # its answer is on its way still
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
        """Who gives way first: the longest quiet, then who has been sending a body the longest, producers last."""
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
        """Whom a connection counts for: an IPv4 address, one customer's IPv6 network; nobody where there is no cap."""
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
