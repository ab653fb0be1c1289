"""What one receiver got: attempts, repeats, order."""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["ok", "slow", "fail_first", "status", "gone", "hang", "redirect", "drip"]
_BODY_KEPT = 64 * 1024
_NEWEST_IDS = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How a receiver answers. `seconds` is for slow and drip, `count` and `status` for fail_first and status.

    `hang` never answers: it holds on until the caller gives up.
    """

    kind: Kind = "ok"
    seconds: float = 2.0
    count: int = 2
    status: int = 500
    location: str = "/hooks/elsewhere"
    retry_after: str | None = None


@dataclass(slots=True, kw_only=True)
class Received:
    """One request a receiver got. `verified` is None where no secret is registered; `why` says what was wrong."""

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
    status: int | None = None  # what was answered; None: nothing yet, or never


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
    taken: set[str] = field(default_factory=set)  # webhook-ids that were answered with 2xx
    repeats: int = 0  # requests whose webhook-id had been answered with 2xx before
    order: dict[str, "Order"] = field(default_factory=dict)  # by incident

    def arrive(self, webhook_id: str) -> int:
        """Count a request. Returns which attempt of this webhook-id it is, from 1."""
        self.requests += 1
        self.attempts[webhook_id] += 1
        if webhook_id in self.taken:
            self.repeats += 1
        return self.attempts[webhook_id]

    def accept(self, webhook_id: str, payload: object) -> None:
        """Note that a request was answered with 2xx."""
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
    """The sequence numbers of one incident as they came."""

    last: int = 0
    seen: set[int] = field(default_factory=set)
    backwards: int = 0  # how often a lower number came after a higher one

    def see(self, sequence: int) -> None:
        """Note a number."""
        self.backwards += sequence < self.last
        self.last = max(self.last, sequence)
        self.seen.add(sequence)

    def gaps(self) -> list[int]:
        """Return the numbers below the highest that never came, 1 being the first."""
        return [number for number in range(1, self.last) if number not in self.seen]


class Inboxes:
    """All receivers, and the newest requests of all of them."""

    def __init__(self, record_limit: int) -> None:
        self.hooks: dict[str, Hook] = {}
        self.log: deque[Received] = deque(maxlen=record_limit)
        self._number = 0

    def hook(self, name: str) -> Hook:
        """Return the receiver of this name; it comes into being with the first request."""
        return self.hooks.setdefault(name, Hook(name))

    def keep(self, received: Received) -> None:
        """Keep a request for later looks; a long body is cut."""
        self._number += 1
        received.number = self._number
        received.body = received.body[:_BODY_KEPT]
        self.log.append(received)

    def forget(self) -> None:
        """Drop what was received; secrets and behaviours stay."""
        self.log.clear()
        for name, hook in self.hooks.items():
            self.hooks[name] = Hook(name, hook.secrets, hook.behaviour)


def place_of(payload: object) -> tuple[str | None, int | None]:
    """Return incident id and sequence of a payload (standard, or a CloudEvent around the same data)."""
    data = payload.get("data") if isinstance(payload, dict) else None
    incident = data.get("incident") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(incident, dict):
        return None, None
    sequence = data.get("sequence")
    return (str(incident.get("id")), sequence) if isinstance(sequence, int) else (None, None)


def notification_of(payload: object) -> str:
    """Return the id that ties the deliveries of one notification together: incident and sequence."""
    incident, sequence = place_of(payload)
    return f"{incident}/{sequence}" if incident is not None else ""
