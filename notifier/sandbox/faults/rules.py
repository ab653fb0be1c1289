"""Decide which request gets which fault: by counters, never at random."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Literal

Kind = Literal[
    "status", "delay", "drop_before", "drop_after_accept", "truncate", "html_error", "reset_early", "redirect"
]

PREFIXES = {
    "/sendgrid/": "sendgrid",
    "/v3/": "sendgrid",
    "/x/": "x",
    "/2/": "x",
    "/mastodon/": "mastodon",
    "/api/": "mastodon",
    "/bluesky/": "bluesky",
    "/xrpc/": "bluesky",
    "/hooks/": "hooks",
}
_LOG = 1_000
_numbers = count(1)


def provider_of(path: str) -> str | None:
    """Return the provider of a path, or None for the sandbox's own paths."""
    cut = path.find("/", 1) + 1
    return PREFIXES.get(path[:cut]) if cut else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Which requests a fault affects: all given fields must match, `path` and `body` in part."""

    method: str | None = None
    path: str | None = None
    body: str | None = None


@dataclass(slots=True, kw_only=True)
class Fault:
    """One fault.

    The first `skip` matching requests pass; then every `every`-th is hit, at most `count` times
    (None: no limit). `after_accept`: the provider processes the request, then the fault changes the
    response. `delay` is in seconds.
    """

    provider: str
    kind: Kind
    status: int = 503
    delay: float = 0.0
    count: int | None = None
    every: int = 1
    skip: int = 0
    after_accept: bool = False
    match: Match = field(default_factory=Match)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    id: int = field(default_factory=lambda: next(_numbers))
    seen: int = 0
    hits: int = 0

    def strikes(self, method: str, path: str, body: bytes) -> bool:
        """Count a request; return whether the fault hits it."""
        wanted = self.match
        if (wanted.method and wanted.method != method) or (wanted.path and wanted.path not in path):
            return False
        if wanted.body and wanted.body.encode() not in body:
            return False
        if self.count is not None and self.hits >= self.count:
            return False
        self.seen += 1
        if self.seen <= self.skip or (self.seen - self.skip) % self.every:
            return False
        self.hits += 1
        return True


@dataclass(slots=True)
class FaultBook:
    """The active faults, in order of creation, and a log of the newest hits."""

    faults: list[Fault] = field(default_factory=list)
    log: deque[tuple[int, str, str]] = field(default_factory=lambda: deque(maxlen=_LOG))  # fault id, method, path

    def concerns(self, provider: str) -> list[Fault]:
        """Return the faults of one provider, including those of `*`, any provider."""
        return [fault for fault in self.faults if fault.provider in (provider, "*")]

    def strike(self, faults: list[Fault], method: str, path: str, body: bytes) -> Fault | None:
        """Return the first fault that hits this request."""
        for fault in faults:
            if fault.strikes(method, path, body):
                self.log.append((fault.id, method, path))
                return fault
        return None
