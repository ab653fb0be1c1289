"""Arrivals compared with expectations and the database. Pure: values in, findings out."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from notifier.domain.ids import parse_delivery_id
from notifier.domain.values import Channel, DeliveryState

_TOOK = frozenset({DeliveryState.ACCEPTED, DeliveryState.DELIVERED, DeliveryState.BOUNCED})
# Receivers on these channels deduplicate by delivery id: a repeat is not a duplicate.
_DEDUPLICATES = frozenset({Channel.WEBHOOK})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A delivery at the end, with the updates of notifications `since` + 1 to `sequence`."""

    delivery_id: str
    channel: Channel
    recipient: int
    sequence: int
    since: int
    state: DeliveryState
    attempts: int


@dataclass(slots=True)
class Findings:
    """Numbers of problems, and the first few in words."""

    lost: int = 0
    duplicated: int = 0
    out_of_order: int = 0
    unexplained: int = 0
    repeats: int = 0  # of webhooks: receivers drop them by id
    lines: list[str] = field(default_factory=list)

    def add(self, kind: str, number: int, words: str) -> None:
        """Count a problem; keep the first few descriptions."""
        setattr(self, kind, getattr(self, kind) + number)
        if number and kind != "repeats":
            self.lines.append(f"{kind}: {words}")


def judge(rows: Iterable[Row], arrived: Sequence[tuple[str, int]], expected: Mapping[Channel, int]) -> Findings:
    """Judge one incident after all its messages have been sent.

    Args:
        rows: The database's deliveries of the incident.
        arrived: (delivery id, count), in the order of first arrival.
        expected: Per channel, the recipients that must be notified of everything.
    """
    found, known = Findings(), {row.delivery_id: row for row in rows}
    heard: dict[tuple[Channel, int], list[Row]] = defaultdict(list)
    for delivery_id, times in arrived:
        row = known.get(delivery_id)
        if row is None:
            found.add("unexplained", 1, f"{delivery_id} arrived and no ledger knows it")
            continue
        heard[row.channel, row.recipient].append(row)
        kind = "repeats" if row.channel in _DEDUPLICATES else "duplicated"
        found.add(kind, times - 1, f"{delivery_id} arrived {times} times")
        if row.state not in _TOOK and not (row.state is DeliveryState.SUPERSEDED and row.attempts):
            found.add("unexplained", 1, f"{delivery_id} arrived, and the ledger says {row.state}")
    for channel, number in expected.items():
        _judge_channel(found, channel, number, known.values(), heard)
    return found


def _judge_channel(
    found: Findings,
    channel: Channel,
    number: int,
    rows: Iterable[Row],
    heard: Mapping[tuple[Channel, int], Sequence[Row]],
) -> None:
    planned = {row.recipient for row in rows if row.channel is channel}
    last = max((row.sequence for row in rows if row.channel is channel), default=0)
    found.add("lost", abs(number - len(planned)), f"{channel}: {len(planned)} recipients planned, {number} expected")
    for recipient in sorted(planned):
        delivered: set[int] = set()
        newest = 0
        for row in heard.get((channel, recipient), ()):
            span = set(range(row.since + 1, row.sequence + 1))
            again = len(delivered & span)
            found.add("duplicated", again, f"{row.delivery_id} tells {again} updates again")
            if row.sequence < newest:
                found.add("out_of_order", 1, f"{row.delivery_id} came after number {newest}")
            delivered |= span
            newest = max(newest, row.sequence)
        missing = last - len(delivered)
        found.add("lost", missing, f"{channel} recipient {recipient} missed {missing} of {last}")


def strangers(arrived: Iterable[str], notifications: frozenset[str]) -> list[str]:
    """Return deliveries that arrived for unknown notifications."""
    return [name for name in arrived if (parse_delivery_id(name) or ("", 0))[0] not in notifications]
