"""Which mail provider a batch goes to: the first one in the operator's order that works and has calls left."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from notifier.channels.base import MailSender, RateBudget
from notifier.domain.breaker import Breaker
from notifier.domain.errors import ChannelStoppedError, DeliveryError, TransientDeliveryError
from notifier.domain.values import Reason
from notifier.services.ports import Clock, Pacer

# A refused request says nothing about the next one.
_NOT_THE_PROVIDERS_FAULT = frozenset({Reason.TOO_LARGE, Reason.REJECTED, Reason.BAD_ADDRESS})
# A provider that is but short of calls is waited for this long before the next one is asked.
_PATIENCE = timedelta(seconds=30)
_SHORT_HOLD = timedelta(seconds=1)  # after a 429 that names no time
_PROBE_SECONDS = 60.0  # as long as a request may take
# What only a person can mend is looked at again this often: sending goes on within a minute of the mending.
_LONGEST_PAUSE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Pause:
    """No provider takes a request now; ask again after `wait`."""

    wait: timedelta
    reason: Reason


class MailRoute:
    """Fail-over between mail providers.

    Rates, and what a provider said of our account, are known to all workers through the pacer. Each process keeps its
    own breakers, so that a worker whose network is broken does not decide for the others.
    """

    def __init__(self, senders: Sequence[MailSender], clock: Clock, pacer: Pacer) -> None:
        """Take the providers in the order in which they are to be tried."""
        self._senders = tuple(senders)
        self._clock = clock
        self._pacer = pacer
        self._lock = threading.Lock()
        self._breakers = {sender.name: Breaker(max_pause=_LONGEST_PAUSE) for sender in senders}

    def choose(self, *, tried: bool = False) -> MailSender | Pause:
        """Return the provider to call now, with one of its calls taken; else how long to wait.

        A batch that was `tried` before does not look whether a broken provider works again where another one does:
        it has waited long enough, and may have been sent already.
        """
        now = self._clock()
        pauses: list[Pause] = []
        for sender in self._senders:
            shut = self._shut_for(sender.name, now, may_probe=not tried)
            if shut:
                pauses.append(Pause(shut, Reason.BREAKER_OPEN))
                continue
            wait = self._pacer.take(sender.name)
            if not wait:
                return sender if self._enters(sender.name, now) else Pause(_SHORT_HOLD, Reason.BREAKER_OPEN)
            pauses.append(Pause(wait, Reason.RATE_LIMITED))
            if wait <= _PATIENCE:
                break
        return min(pauses, key=lambda pause: pause.wait)

    def worked(self, name: str, rate: RateBudget | None = None) -> None:
        """Note a success, and what the provider said is left of its rate."""
        with self._lock:
            self._breakers[name] = self._breakers[name].after_success()
        if rate is not None:
            self._pacer.note(name, left=rate.remaining, resets_at=rate.resets_at)

    def failed(self, name: str, error: DeliveryError) -> bool:
        """Note a failure; True when another provider can take the batch at once, without telling anybody twice."""
        now = self._clock()
        if error.reason is Reason.RATE_LIMITED:
            self.worked(name)  # it answers
            wait = error.retry_after or _SHORT_HOLD
            self._pacer.hold(name, now + wait)
            return wait > _PATIENCE and self._another_is_free(name, now)
        stopped = isinstance(error, ChannelStoppedError)
        if error.reason in _NOT_THE_PROVIDERS_FAULT and not stopped:
            self.worked(name)
            return False
        with self._lock:
            breaker = self._breakers[name] = self._breakers[name].after_failure(now, at_once=stopped)
        if breaker.open_until is None or breaker.allows(now):
            return False
        if stopped:
            self._pacer.hold(name, breaker.open_until)
        known_not_told = isinstance(error, TransientDeliveryError | ChannelStoppedError)
        return known_not_told and self._another_is_free(name, now)

    def unused(self, name: str) -> None:
        """Take a choice back: there was nobody to write to. The next one may look whether the provider works again."""
        with self._lock:
            breaker = self._breakers[name]
            if breaker.open_until is not None:
                self._breakers[name] = breaker.probing(self._clock(), 0.0)

    def close(self) -> None:
        """Let go of every connection."""
        for sender in self._senders:
            sender.close()
        self._pacer.close()

    def states(self) -> dict[str, Breaker]:
        """Return the breakers by provider."""
        with self._lock:
            return dict(self._breakers)

    def _shut_for(self, name: str, now: datetime, *, may_probe: bool) -> timedelta:
        """How long the way to a provider is shut; nothing when it is open."""
        with self._lock:
            until = self._breakers[name].open_until
            if until is None or (now >= until and may_probe):
                return timedelta(0)
            another_works = any(one.open_until is None for one in self._breakers.values())
        return _SHORT_HOLD if now >= until and another_works else max(until - now, timedelta(0))

    def _enters(self, name: str, now: datetime) -> bool:
        """Go in; through a circuit that was open, one at a time."""
        with self._lock:
            breaker = self._breakers[name]
            if not breaker.allows(now):
                return False
            self._breakers[name] = breaker.probing(now, _PROBE_SECONDS)
            return True

    def _another_is_free(self, name: str, now: datetime) -> bool:
        with self._lock:
            return any(breaker.allows(now) for other, breaker in self._breakers.items() if other != name)
