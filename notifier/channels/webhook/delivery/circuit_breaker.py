"""A circuit breaker as a value: closed, open, half-open. Time is a number of seconds that the caller counts."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, replace

from notifier.channels.webhook.delivery.limits import BreakerPolicy

_PROBE_WAIT = 1.0  # seconds, where the receiver said when to come back and the first one to do so is under way
_MAX_KNOWN = 50_000  # receivers in trouble that are remembered; the longest untouched is forgotten


@dataclass(frozen=True, slots=True)
class Breaker:
    """`open_until` is None while closed; `probing` while one attempt finds out whether it may close.

    `failed_at`: when the newest of the attempts that failed began (Unix time, for other processes know it too).
    """

    failures: int = 0
    open_until: float | None = None
    pause: float = 0.0
    probing: bool = False
    failed_at: float = 0.0


CLOSED = Breaker()


def permit(breaker: Breaker, now: float) -> tuple[Breaker, float | None]:
    """Ask for one attempt: the next state, and None for yes or the seconds to wait for no.

    After the pause exactly one attempt is let through; until its outcome is known the others wait another pause.
    """
    if breaker.open_until is None:
        return breaker, None
    if now < breaker.open_until:
        return breaker, breaker.open_until - now
    if breaker.probing:
        return breaker, breaker.pause or _PROBE_WAIT
    return replace(breaker, probing=True), None


def after_failure(breaker: Breaker, policy: BreakerPolicy, now: float, *, at_least: float = 0.0) -> Breaker:
    """Count a failure; open at the threshold, and at once where the receiver said how long (`at_least`, seconds)."""
    failures = breaker.failures + 1
    if breaker.open_until is not None and not breaker.probing:
        return replace(breaker, failures=failures)  # an attempt that had begun before it opened
    pause = 0.0
    if failures >= policy.threshold:
        pause = min(breaker.pause * 2, policy.max_pause) if breaker.pause else policy.pause
    wait = max(pause, at_least)
    until = now + wait if wait > 0 else None
    return Breaker(failures, open_until=until, pause=pause, failed_at=breaker.failed_at)


def after_nothing(breaker: Breaker) -> Breaker:
    """An attempt that was let through told nothing about the receiver: the next one may probe."""
    return replace(breaker, probing=False)


class Breakers:
    """The breakers of many receivers; only those in trouble take memory."""

    def __init__(self, policy: BreakerPolicy, most: int = _MAX_KNOWN) -> None:
        """`most`: how many receivers are remembered."""
        self._policy, self._most = policy, most
        self._known: OrderedDict[Hashable, Breaker] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def open_ones(self, now: float) -> int:
        """How many are open; may be asked from another thread."""
        return sum(item.open_until is not None and now < item.open_until for item in tuple(self._known.values()))

    def ask(self, key: Hashable, now: float, changed_at: float = 0.0) -> float | None:
        """None when an attempt may be made, else the seconds to wait.

        `changed_at`: when a person last changed the receiver or asked for a retry (Unix time). What failed before that
        holds nothing back that comes after it.
        """
        breaker = self._known.get(key)
        if breaker is None or changed_at > breaker.failed_at:
            return None
        self._known[key], wait = permit(breaker, now)
        return wait

    def succeeded(self, key: Hashable) -> None:
        """Any success closes it and forgets what was."""
        self._known.pop(key, None)

    def failed(self, key: Hashable, now: float, *, at_least: float = 0.0, began_at: float = 0.0) -> None:
        """The receiver is not well."""
        known = self._known.pop(key, CLOSED)
        known = replace(known, failed_at=max(known.failed_at, began_at))
        self._known[key] = after_failure(known, self._policy, now, at_least=at_least)
        if len(self._known) > self._most:
            self._known.popitem(last=False)

    def unknown(self, key: Hashable) -> None:
        """An attempt that was let through ended without a word about the receiver."""
        if key in self._known:
            self._known[key] = after_nothing(self._known[key])
