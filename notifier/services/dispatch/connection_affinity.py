"""Prefer batches whose endpoints this process has open connections to.

Any free worker takes a queue's next message. Opening a connection costs more than a request, above
all with TLS, and each process has its own pool: with two processes, half of the endpoints of an
update would need new connections. Therefore a message does not bind a worker to a batch, only to
its notification. The worker claims the batch at a place in the audience that it has served before,
and leaves the requested batch to whichever worker is asked for the one it took. As many batches are
attempted as were enqueued, and no worker waits for another.
"""

import threading
from collections.abc import Callable, Iterator
from typing import Protocol

from notifier.domain.values import Channel
from notifier.storage.database import Connection
from notifier.storage.deliveries.batches import Batch, place_of, untried_siblings

Claim = Callable[[int], Batch | None]
"""Claim the batch with this id, or return None if another worker has it."""


class BatchChoice(Protocol):
    """Chooses which batch to claim for a message."""

    def choose(self, connection: Connection, named: int, claim: Claim) -> Batch | None:
        """Claim a batch, given the id in the message; None if nothing is left to claim."""


class NamedBatch:
    """Claims the batch named in the message."""

    def choose(self, _connection: Connection, named: int, claim: Claim) -> Batch | None:
        """Claim the batch named in the message."""
        return claim(named)


class ConnectionAffinity:
    """Claims a channel's batches at places that this process knows first. Shared by its threads."""

    def __init__(self, channel: Channel) -> None:
        """Start with no known places."""
        self._channel = channel
        self._lock = threading.Lock()
        self._known: set[int] = set()

    def choose(self, connection: Connection, named: int, claim: Claim) -> Batch | None:
        """Claim one batch; None if no batch of the notification is waiting."""
        for number in self._in_order(connection, named):
            batch = claim(number)
            if batch is not None:
                if batch.channel is self._channel:
                    with self._lock:
                        self._known.add(place_of(number))
                return batch
        return None

    def _in_order(self, connection: Connection, named: int) -> Iterator[int]:
        """Yield candidate ids, each once; usually costs one statement."""
        tried: set[int] = set()
        while waiting := [each for each in self._waiting(connection, named) if each not in tried]:
            for number in waiting:
                tried.add(number)
                yield number
            # Others claimed all of these; meanwhile new batches may have been planned.

    def _waiting(self, connection: Connection, named: int) -> list[int]:
        waiting = untried_siblings(connection, named, self._channel)
        with self._lock:
            known = [number for number in waiting if place_of(number) in self._known]
        # A retry comes first, as does a requested batch that is missing from the list: another
        # worker may have preferred it and left a different one.
        first, then = ([], [named]) if named in waiting else ([named], [])
        # In reverse: workers that know these places start from the front.
        return list(dict.fromkeys([*first, *known, *then, *reversed(waiting)]))
