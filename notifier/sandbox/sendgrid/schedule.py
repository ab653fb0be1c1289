"""Batches and scheduled sends: mail that waits for its `send_at` and can be paused or cancelled."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from secrets import token_urlsafe
from typing import Generic, Literal, TypeVar

BATCH_LIFE = 10 * 86_400.0
RELIABLE_UNTIL = 600.0  # seconds before `send_at`; later changes have no effect (at SendGrid: perhaps)
PAUSE_EXPIRES = 72 * 3600.0

Status = Literal["cancel", "pause"]
Fate = Literal["send", "wait", "discard"]
Held = TypeVar("Held")


@dataclass(frozen=True, slots=True)
class _Change:
    status: Status
    at: float


@dataclass(slots=True)
class Schedule(Generic[Held]):
    """Waiting entries by due time, and the state of each batch. Times are Unix seconds."""

    batches: dict[str, float] = field(default_factory=dict)  # id -> time of creation
    changes: dict[str, _Change] = field(default_factory=dict)
    _waiting: list[tuple[float, int, str | None, Held]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=count)

    def new_batch(self, now: float) -> str:
        """Create a batch id."""
        batch_id = token_urlsafe(36)
        self.batches[batch_id] = now
        return batch_id

    def knows(self, batch_id: str, now: float) -> bool:
        """Whether a batch id was created here and has not expired."""
        return batch_id in self.batches and now < self.batches[batch_id] + BATCH_LIFE

    def change(self, batch_id: str, status: Status, now: float) -> None:
        """Cancel or pause a batch."""
        self.changes[batch_id] = _Change(status, now)

    def hold(self, due: float, batch_id: str | None, held: Held) -> None:
        """Schedule an entry for `due`."""
        heapq.heappush(self._waiting, (due, next(self._order), batch_id, held))

    def release(self, now: float) -> Iterator[tuple[float, Held, Fate]]:
        """Yield due entries with their fate; paused ones stay until the pause expires."""
        paused: list[tuple[float, int, str | None, Held]] = []
        while self._waiting and self._waiting[0][0] <= now:
            entry = heapq.heappop(self._waiting)
            due, _, batch_id, held = entry
            fate = self._fate(batch_id, due, now)
            if fate == "wait":
                paused.append(entry)
            else:
                yield due, held, fate
        for entry in paused:
            heapq.heappush(self._waiting, entry)

    def forget(self) -> None:
        """Drop all waiting entries."""
        self._waiting.clear()

    def waiting(self) -> int:
        """Return the number of waiting entries."""
        return len(self._waiting)

    def _fate(self, batch_id: str | None, due: float, now: float) -> Fate:
        change = self.changes.get(batch_id) if batch_id is not None else None
        if change is None or change.at > due - RELIABLE_UNTIL:
            return "send"
        if change.status == "cancel" or now > due + PAUSE_EXPIRES:
            return "discard"
        return "wait"
