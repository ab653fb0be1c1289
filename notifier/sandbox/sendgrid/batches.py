"""Cutting events into batches: out of order and with repeats, as a reader of the Event Webhook must expect."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import orjson

from notifier.sandbox.config import EventWebhook

Event = dict[str, Any]


class Shuffler:
    """Makes batches from staged events. Seeded: the same events in the same order give the same batches."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311  repeatable disorder, nothing secret
        self._again: list[Event] = []

    def batches(self, staged: Sequence[Sequence[Event]], rules: EventWebhook) -> Iterator[list[Event]]:
        """Yield batches: by stage as a rule, the first two stages swapped for a share of the calls."""
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
    """Yield (number of events, body) with bodies of at most `limit` octets where possible. They end in CR LF."""
    body = orjson.dumps(events) + b"\r\n"
    if len(body) <= limit or len(events) == 1:
        yield len(events), body
        return
    middle = len(events) // 2
    yield from encode(events[:middle], limit)
    yield from encode(events[middle:], limit)
