"""The requests of each receiver: attempts, repeats, order."""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["ok", "slow", "fail_first", "status", "gone", "hang", "redirect", "drip"]
_BODY_KEPT = 64 * 1024
_NEWEST_IDS = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How a receiver responds.

    `seconds` is for slow and drip, `count` and `status` for fail_first and status. `hang` never
    responds; it waits until the client disconnects.
    """

    kind: Kind = "ok"
    seconds: float = 2.0
    count: int = 2
    status: int = 500
    location: str = "/hooks/elsewhere"
    retry_after: str | None = None


@dataclass(slots=True, kw_only=True)
class Received:
    """One request to a receiver. `verified` is None without a secret; `why` is the error."""

    name: str
    number: int
    at: float
    method: str
    headers: list[tuple[str, str]]
    body: bytes
    webhook_id: str
    attempt: int
    verified: bool | None
    why: str | None
    status: int | None = None  # of the response; None if there is none


@dataclass(slots=True)
class Hook:
    """One receiver."""

    name: str
    secrets: tuple[str, ...] = ()
    behaviour: Behaviour = field(default_factory=Behaviour)
    requests: int = 0
    accepted: int = 0
    unverified: int = 0
    attempts: Counter[str] = field(default_factory=Counter)  # by webhook-id
    taken: set[str] = field(default_factory=set)  # webhook-ids that got a 2xx
    repeats: int = 0  # requests whose webhook-id already had a 2xx
    order: dict[str, "Order"] = field(default_factory=dict)  # by incident

    def arrive(self, webhook_id: str) -> int:
        """Count a request; return the number of this attempt of its webhook-id, from 1."""
        self.requests += 1
        self.attempts[webhook_id] += 1
        if webhook_id in self.taken:
            self.repeats += 1
        return self.attempts[webhook_id]

    def accept(self, webhook_id: str, payload: object) -> None:
        """Record that a request got a 2xx."""
        self.accepted += 1
        if webhook_id in self.taken:
            return
        if len(self.taken) < _NEWEST_IDS:
            self.taken.add(webhook_id)
        incident, sequence = place_of(payload)
        if incident is not None and sequence is not None:
            self.order.setdefault(incident, Order()).see(sequence)


@dataclass(slots=True)
class Order:
    """The sequence numbers of one incident in order of arrival."""

    last: int = 0
    seen: set[int] = field(default_factory=set)
    backwards: int = 0  # how often a lower number followed a higher one

    def see(self, sequence: int) -> None:
        """Record a number."""
        self.backwards += sequence < self.last
        self.last = max(self.last, sequence)
        self.seen.add(sequence)

    def gaps(self) -> list[int]:
        """Return the missing numbers from 1 to the highest."""
        return [number for number in range(1, self.last) if number not in self.seen]


class Inboxes:
    """All receivers, and their newest requests."""

    def __init__(self, record_limit: int) -> None:
        self.hooks: dict[str, Hook] = {}
        self.log: deque[Received] = deque(maxlen=record_limit)
        self._number = 0

    def hook(self, name: str) -> Hook:
        """Return the receiver with this name, creating it if needed."""
        return self.hooks.setdefault(name, Hook(name))

    def keep(self, received: Received) -> None:
        """Store a request; truncate a long body."""
        self._number += 1
        received.number = self._number
        received.body = received.body[:_BODY_KEPT]
        self.log.append(received)

    def forget(self) -> None:
        """Drop received requests; secrets and behaviours stay."""
        self.log.clear()
        for name, hook in self.hooks.items():
            self.hooks[name] = Hook(name, hook.secrets, hook.behaviour)


def place_of(payload: object) -> tuple[str | None, int | None]:
    """Return incident id and sequence of a payload (standard format or CloudEvents)."""
    data = payload.get("data") if isinstance(payload, dict) else None
    incident = data.get("incident") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(incident, dict):
        return None, None
    sequence = data.get("sequence")
    return (str(incident.get("id")), sequence) if isinstance(sequence, int) else (None, None)


def notification_of(payload: object) -> str:
    """Return an id shared by all deliveries of a notification: incident and sequence."""
    incident, sequence = place_of(payload)
    return f"{incident}/{sequence}" if incident is not None else ""
