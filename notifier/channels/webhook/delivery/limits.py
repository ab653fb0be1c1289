"""The engine's limits and defaults: time per stage, bytes per response, slots, sockets."""

from dataclasses import dataclass, field

from notifier.domain.circuit_breaker import BreakerPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds. `first_byte` counts from handing the whole request to the OS; `total` covers all."""

    dns: float = 3.0
    connect: float = 5.0  # TCP and TLS
    first_byte: float = 10.0
    total: float = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseLimits:
    """Bytes. A longer body is not read to the end; a longer head is an error."""

    head: int = 32_768
    body: int = 16_384
    excerpt: int = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotLimits:
    """Slots of one kind of work.

    A request is slow, and gives up its fast slot, once it takes several times as long as the recent
    average: after `slow_floor` seconds at the earliest, `slow_after` at the latest.
    """

    fast: int = 512
    slow: int = 4_096
    slow_after: float = 1.0
    slow_floor: float = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineLimits:
    """All limits. Retries have separate slots, so they never delay first attempts."""

    timeouts: Timeouts = field(default_factory=Timeouts)
    answer: ResponseLimits = field(default_factory=ResponseLimits)
    first: SlotLimits = field(default_factory=SlotLimits)
    retry: SlotLimits = field(default_factory=lambda: SlotLimits(fast=128, slow=1_024))
    per_endpoint: int = 1  # keeps the order of one endpoint's messages
    per_host: int = 32  # one platform's host may serve many endpoints
    endpoint_breaker: BreakerPolicy = field(default_factory=lambda: BreakerPolicy(threshold=5))
    host_breaker: BreakerPolicy = field(default_factory=lambda: BreakerPolicy(threshold=20))
    idle_sockets: int = 8_192
    idle_seconds: float = 60.0
    sweep_seconds: float = 5.0  # how often idle connections are looked through
    dns_ttl: float = 30.0
    dns_failure_ttl: float = 2.0
    dns_names: int = 16_384
    result_chunk: int = 500  # results per chunk
    result_linger: float = 0.1  # seconds to wait for more of them
