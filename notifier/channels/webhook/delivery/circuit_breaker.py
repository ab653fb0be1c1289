"""Circuit breakers for many receivers; only failing ones take memory."""

from collections import OrderedDict
from collections.abc import Hashable

from notifier.domain.circuit_breaker import CLOSED, BreakerPolicy, CircuitBreaker

_MAX_KNOWN = 50_000  # failing receivers to remember; the least recently used is dropped


class Breakers:
    """One circuit breaker per receiver. Belongs to one event loop."""

    def __init__(self, policy: BreakerPolicy, most: int = _MAX_KNOWN) -> None:
        """`most`: how many receivers are remembered."""
        self._policy, self._most = policy, most
        self._known: OrderedDict[Hashable, CircuitBreaker] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def open_ones(self, now: float) -> int:
        """Count the open breakers; may be called from another thread."""
        return sum(item.open_until is not None and now < item.open_until for item in tuple(self._known.values()))

    def ask(self, key: Hashable, now: float, changed_at: float = 0.0) -> float | None:
        """Return None if an attempt is allowed, else the seconds to wait.

        `changed_at`: Unix time when an operator or the partner last changed the receiver or asked
        for a retry. Failures before that block nothing.
        """
        breaker = self._known.get(key)
        if breaker is None or changed_at > breaker.failed_at:
            return None
        self._known[key], wait = breaker.permit(self._policy, now)
        return wait

    def succeeded(self, key: Hashable) -> None:
        """Close the breaker and forget earlier failures."""
        self._known.pop(key, None)

    def failed(self, key: Hashable, now: float, *, at_least: float = 0.0, began_at: float = 0.0) -> None:
        """Record a failure."""
        known = self._known.pop(key, CLOSED)
        self._known[key] = known.after_failure(self._policy, now, at_least=at_least, began_at=began_at)
        if len(self._known) > self._most:
            self._known.popitem(last=False)

    def unknown(self, key: Hashable) -> None:
        """Record that a permitted attempt showed nothing about the receiver."""
        if key in self._known:
            self._known[key] = self._known[key].after_nothing()
