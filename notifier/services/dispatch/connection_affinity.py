"""Who posts to whom: the process that posted to an endpoint last has a connection to it open, so it does so again.

A lane's messages go to whichever worker is free. A connection costs more than a request, above all where it is TLS, and
each process keeps its own: with two, half of what an update is posted to would need new ones. So a message of the queue
does not say which batch to attempt, but that one of its notification is to be: a worker takes one whose place in the
audience it knows, and leaves the named one to whoever asks for the one it took. As many batches are attempted as were
announced, and nobody waits for anybody.
"""

import threading
from collections.abc import Callable, Iterator
from typing import Protocol

from notifier.domain.values import Channel
from notifier.storage.database import Connection
from notifier.storage.deliveries.batches import Batch, place_of, untried_siblings

Claim = Callable[[int], Batch | None]
"""Takes the batch with this number, or returns None where somebody else has it."""


class BatchChoice(Protocol):
    """Decides which batch a message is about."""

    def choose(self, connection: Connection, named: int, claim: Claim) -> Batch | None:
        """Claim a batch, given the number that the message names; None when nothing is left to claim."""


class NamedBatch:
    """Claims the batch that the message names."""

    def choose(self, _connection: Connection, named: int, claim: Claim) -> Batch | None:
        """Claim it."""
        return claim(named)


class ConnectionAffinity:
    """Claims batches of a channel whose places this process knows before others. Shared by its threads."""

    def __init__(self, channel: Channel) -> None:
        """Know nobody yet."""
        self._channel = channel
        self._lock = threading.Lock()
        self._known: set[int] = set()

    def choose(self, connection: Connection, named: int, claim: Claim) -> Batch | None:
        """Claim one batch; None when nothing of the notification waits any more."""
        for number in self._in_order(connection, named):
            batch = claim(number)
            if batch is not None:
                if batch.channel is self._channel:
                    with self._lock:
                        self._known.add(place_of(number))
                return batch
        return None

    def _in_order(self, connection: Connection, named: int) -> Iterator[int]:
        """Yield what to try to claim, each number once. One statement in the usual case."""
        tried: set[int] = set()
        while waiting := [each for each in self._waiting(connection, named) if each not in tried]:
            for number in waiting:
                tried.add(number)
                yield number
            # All of them went to others meanwhile, and one of those may have left us a batch that was planned since.

    def _waiting(self, connection: Connection, named: int) -> list[int]:
        waiting = untried_siblings(connection, named, self._channel)
        with self._lock:
            known = [number for number in waiting if place_of(number) in self._known]
        # A repetition comes first; or the named one is not there since somebody knew it better, and left another one.
        first, then = ([], [named]) if named in waiting else ([named], [])
        # From the end: those who know them begin at the beginning.
        return list(dict.fromkeys([*first, *known, *then, *reversed(waiting)]))
