"""What arrived, held against what was promised and against the ledger. Pure: values in, a verdict out."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from notifier.domain.ids import parse_delivery_id
from notifier.domain.values import Channel, DeliveryState

_TOOK = frozenset({DeliveryState.ACCEPTED, DeliveryState.DELIVERED, DeliveryState.BOUNCED})
# What one channel's receivers can tell apart by the delivery's id is a repeat, and no duplicate.
_DEDUPLICATES = frozenset({Channel.WEBHOOK})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A delivery as the ledger has it at the end: it told the updates of notifications `since` + 1 to `sequence`."""

    delivery_id: str
    channel: Channel
    recipient: int
    sequence: int
    since: int
    state: DeliveryState
    attempts: int


@dataclass(slots=True)
class Findings:
    """What is wrong, in numbers, and some of it in words."""

    lost: int = 0
    duplicated: int = 0
    out_of_order: int = 0
    unexplained: int = 0
    repeats: int = 0  # of webhooks, which their receivers drop by their id
    said: list[str] = field(default_factory=list)

    def add(self, kind: str, number: int, words: str) -> None:
        """Count something and keep the words for the first few."""
        setattr(self, kind, getattr(self, kind) + number)
        if number and kind != "repeats":
            self.said.append(f"{kind}: {words}")


def judge(rows: Iterable[Row], arrived: Sequence[tuple[str, int]], expected: Mapping[Channel, int]) -> Findings:
    """Judge one incident whose messages have all come to an end.

    Args:
        rows: The ledger's deliveries of the incident.
        arrived: (delivery id, how often), in the order in which each came first.
        expected: How many recipients each channel must tell everything there was to tell.
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
        told: set[int] = set()
        newest = 0
        for row in heard.get((channel, recipient), ()):
            span = set(range(row.since + 1, row.sequence + 1))
            again = len(told & span)
            found.add("duplicated", again, f"{row.delivery_id} tells {again} updates again")
            if row.sequence < newest:
                found.add("out_of_order", 1, f"{row.delivery_id} came after number {newest}")
            told |= span
            newest = max(newest, row.sequence)
        missing = last - len(told)
        found.add("lost", missing, f"{channel} recipient {recipient} missed {missing} of {last}")


def strangers(arrived: Iterable[str], notifications: frozenset[str]) -> list[str]:
    """Return the deliveries that arrived for notifications nobody decided."""
    return [name for name in arrived if (parse_delivery_id(name) or ("", 0))[0] not in notifications]
