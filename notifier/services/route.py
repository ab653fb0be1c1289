"""Which mail provider a batch goes to: the first one in the operator's order whose circuit is closed."""

import threading
from collections.abc import Sequence

from notifier.channels.base import MailSender
from notifier.domain.breaker import Breaker
from notifier.domain.errors import ChannelStoppedError, DeliveryError, TransientDeliveryError
from notifier.domain.values import Reason
from notifier.services.ports import Clock

# Pacing is no fault of the provider's, and a refused request says nothing about the next one.
_NOT_THE_PROVIDERS_FAULT = frozenset({Reason.RATE_LIMITED, Reason.TOO_LARGE, Reason.REJECTED, Reason.BAD_ADDRESS})


class MailRoute:
    """Fail-over between mail providers. Each worker process keeps its own breakers: no shared point of failure."""

    def __init__(self, senders: Sequence[MailSender], clock: Clock) -> None:
        """Take the providers in the order in which they are to be tried."""
        self._senders = tuple(senders)
        self._clock = clock
        self._lock = threading.Lock()
        self._breakers = {sender.name: Breaker() for sender in senders}

    def choose(self) -> MailSender:
        """Return the provider to use now: the first that may be tried, else the one whose pause ends first."""
        now = self._clock()
        with self._lock:
            for sender in self._senders:
                if self._breakers[sender.name].allows(now):
                    return sender
            return min(self._senders, key=lambda sender: self._breakers[sender.name].open_until or now)

    def worked(self, name: str) -> None:
        """Note a success."""
        with self._lock:
            self._breakers[name] = self._breakers[name].after_success()

    def failed(self, name: str, error: DeliveryError) -> bool:
        """Note a failure; True when another provider can take the batch at once, without telling anybody twice."""
        stopped = isinstance(error, ChannelStoppedError)
        if error.reason in _NOT_THE_PROVIDERS_FAULT and not stopped:
            return False
        now = self._clock()
        with self._lock:
            self._breakers[name] = self._breakers[name].after_failure(now, at_once=stopped)
            if self._breakers[name].allows(now):
                return False
            others = [sender for sender in self._senders if sender.name != name]
            free = any(self._breakers[sender.name].allows(now) for sender in others)
        return free and isinstance(error, TransientDeliveryError | ChannelStoppedError)

    def close(self) -> None:
        """Let go of every provider's connections."""
        for sender in self._senders:
            sender.close()

    def states(self) -> dict[str, Breaker]:
        """Return the breakers by provider, for metrics."""
        with self._lock:
            return dict(self._breakers)
