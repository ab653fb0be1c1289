"""What use cases need from the outside, as small protocols."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from notifier.domain.values import Lane

Clock = Callable[[], datetime]
"""Returns the present aware UTC instant."""


class Nudge(Protocol):
    """Makes things happen now. Losing a nudge costs latency only: the sweep repeats what is due."""

    def plan(self, notification_id: int) -> None:
        """Ask a worker to plan a notification's audience."""

    def attempt(self, lane: Lane, batch_ids: Sequence[int]) -> None:
        """Ask workers of a lane to attempt batches."""

    def depth(self, lane: Lane) -> int:
        """Return how many nudges wait in a lane; a large number when nobody knows."""


class NoNudge:
    """For command lines without a broker: everything is left to the sweep."""

    def plan(self, notification_id: int) -> None:
        """Leave it to the sweep."""

    def attempt(self, lane: Lane, batch_ids: Sequence[int]) -> None:
        """Leave it to the sweep."""

    def depth(self, lane: Lane) -> int:
        """Nothing waits."""
        del lane
        return 0
