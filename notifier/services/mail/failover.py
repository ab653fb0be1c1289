"""Choose the mail provider of a batch: the first, in the operator's order, that can take it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from notifier.channels.base import MailSender, RateBudget
from notifier.domain.errors import DeliveryError, OutcomeUnknownError
from notifier.domain.providers.breaker import CLOSED, PROBE_PAUSE, Breaker, blames_provider
from notifier.domain.values import Reason
from notifier.services.ports import Clock, RateLimiter
from notifier.services.providers.circuits import Circuits, Wait
from notifier.storage.deliveries.batches import Batch

# Wait this long for a rate-limited provider before trying the next one.
_PATIENCE = timedelta(seconds=30)
_SHORT_HOLD = timedelta(seconds=1)  # after a 429 without a time
_LONGEST_PAUSE = timedelta(minutes=1)
_QUESTION = timedelta(seconds=2)  # deadline of the health check of a silent provider


@dataclass(frozen=True, slots=True)
class Backoff:
    """No provider takes a request now; try again after `wait`."""

    wait: timedelta
    reason: Reason


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen provider with one call reserved, and its circuit breaker.

    If the breaker is open, this request is the probe.
    """

    sender: MailSender
    circuit: Breaker
    another_works: bool = False

    @property
    def name(self) -> str:
        """The provider's name."""
        return self.sender.name

    @property
    def is_probe(self) -> bool:
        """Whether this request probes a failing provider on behalf of all workers."""
        return self.circuit.is_open


class ProviderFailover:
    """Failover between mail providers. Rates and provider states are shared by all workers."""

    def __init__(
        self, senders: Sequence[MailSender], clock: Clock, rate_limiter: RateLimiter, circuits: Circuits
    ) -> None:
        """Take the providers in the order to try them."""
        self._senders = tuple(senders)
        self._clock = clock
        self._rate_limiter = rate_limiter
        self._circuits = circuits

    def choose(self, batch: Batch | None = None) -> Choice | Backoff:
        """Return the provider to call now, or how long to wait. `batch`: None for other mail.

        A batch that was tried before is not used as a probe while another provider works: it has
        waited long enough, and may have been sent.

        Raises:
            UnavailableError: the database does not answer.
        """
        now = self._clock()
        circuits = self._circuits.look()
        pauses: list[Backoff] = []
        for sender in self._senders:
            circuit = circuits.get(sender.name, CLOSED)
            if circuit.is_open and not self._enters(sender, circuit, batch, circuits):
                left = (circuit.next_probe_at or now) - now
                pauses.append(Backoff(min(max(left, PROBE_PAUSE), _LONGEST_PAUSE), Reason.BREAKER_OPEN))
                continue
            wait = self._rate_limiter.take(sender.name)
            if not wait:
                return Choice(sender, circuit, self._another_works(sender.name, circuits))
            self._leave(sender.name, circuit)
            pauses.append(Backoff(wait, Reason.RATE_LIMITED))
            if wait <= _PATIENCE:
                break
        return min(pauses, key=lambda pause: pause.wait)

    def worked(self, choice: Choice, rate: RateBudget | None = None) -> None:
        """Record a success and the remaining rate; batches waiting for the provider become due."""
        if rate is not None:
            self._rate_limiter.note(choice.name, left=rate.remaining, resets_at=rate.resets_at)
        self._circuits.worked(choice.name, choice.circuit)

    def failed(self, choice: Choice, error: DeliveryError, *, may_repeat: bool = False) -> bool:
        """Record a failure; returns whether another provider should take the batch at once.

        It should if nobody was reached. A request that timed out may have reached everybody: repeat
        it only if no evidence will come (`may_repeat`).
        """
        if error.reason is Reason.RATE_LIMITED:
            self.worked(choice)  # the provider answers
            wait = error.retry_after or _SHORT_HOLD
            self._rate_limiter.block_until(choice.name, self._clock() + wait)
            if wait > _PATIENCE:
                self._circuits.limited(choice.name, error)
            return wait > _PATIENCE and choice.another_works
        if not blames_provider(error):
            self.worked(choice)
            return False
        self._circuits.failed(choice.name, error, choice.circuit, another_works=choice.another_works)
        in_doubt = isinstance(error, OutcomeUnknownError)
        return choice.another_works and (not in_doubt or (may_repeat and error.reason is Reason.TIMED_OUT))

    def unused(self, choice: Choice) -> None:
        """Return an unused choice; the next request may probe the provider instead."""
        self._leave(choice.name, choice.circuit)

    @property
    def wait(self) -> Wait:
        """Return until when a batch waits while no provider works."""
        return self._circuits.wait([sender.name for sender in self._senders])

    def close(self) -> None:
        """Close all connections."""
        for sender in self._senders:
            sender.close()
        self._rate_limiter.close()

    def _enters(
        self, sender: MailSender, circuit: Breaker, batch: Batch | None, circuits: Mapping[str, Breaker]
    ) -> bool:
        """Enter an open breaker as its probe; ask a silent provider a harmless question first."""
        tried = batch is not None and batch.attempts > 1
        if tried and self._another_works(sender.name, circuits):
            return False
        if not self._circuits.enters(sender.name, circuit, batch):
            return False
        if not circuit.is_silent or sender.answers(deadline=self._clock() + _QUESTION):
            return True
        self._circuits.leave(sender.name, PROBE_PAUSE)
        return False

    def _leave(self, name: str, circuit: Breaker) -> None:
        if circuit.is_open:
            self._circuits.leave(name)

    def _another_works(self, name: str, circuits: Mapping[str, Breaker]) -> bool:
        others = (sender.name for sender in self._senders if sender.name != name)
        return any(not circuits.get(other, CLOSED).is_open for other in others)
