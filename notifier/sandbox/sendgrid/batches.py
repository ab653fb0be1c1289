"""Group events into batches, out of order and with repeats, as the Event Webhook may."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import orjson

from notifier.sandbox.config import EventWebhook

Event = dict[str, Any]


class Shuffler:
    """Builds batches from staged events. Deterministic for a seed and a sequence of events."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311  for repeatable disorder, not for security
        self._again: list[Event] = []

    def batches(self, staged: Sequence[Sequence[Event]], rules: EventWebhook) -> Iterator[list[Event]]:
        """Yield batches by stage; swap the first two stages in a fraction of the calls."""
        order = list(staged)
        if len(order) > 1 and self._random.random() < rules.reordered:
            order[0], order[1] = order[1], order[0]
        for stage in order:
            events = [*self._again, *stage]
            self._again = [event for event in stage if self._random.random() < rules.duplicates]
            self._random.shuffle(events)
            for start in range(0, len(events), rules.batch_events):
                yield events[start : start + rules.batch_events]
        if self._again:
            yield self._again
            self._again = []


def encode(events: list[Event], limit: int) -> Iterator[tuple[int, bytes]]:
    """Yield (number of events, body ending in CR LF); at most `limit` octets if possible."""
    body = orjson.dumps(events) + b"\r\n"
    if len(body) <= limit or len(events) == 1:
        yield len(events), body
        return
    middle = len(events) // 2
    yield from encode(events[:middle], limit)
    yield from encode(events[middle:], limit)
