"""A pause for networks that show wrong keys. A right key opens the API all the same: nobody shuts a producer out."""

from dataclasses import dataclass

from notifier.domain.recipients.consent import shortened_network
from notifier.services.ports import Clock, Quota

MOST, SECONDS = 10, 60
_NOTED_PER_HOUR = 60


@dataclass(frozen=True)
class KeyThrottle:
    """Counts wrong keys by network, for all processes together (`queueing/quota.py`)."""

    quota: Quota
    clock: Clock

    def note(self, origin: str) -> int:
        """Count one; returns for how many seconds the network pauses now, 0 for not at all."""
        within = self.quota.take(_name(origin), most=MOST, seconds=SECONDS)
        return 0 if within else self._rest()

    def pause(self, origin: str) -> int:
        """Return for how many seconds the network has to pause still, counting nothing."""
        return self._rest() if self.quota.is_spent(_name(origin), most=MOST + 1, seconds=SECONDS) else 0

    def is_worth_noting(self) -> bool:
        """Whether one more refusal goes into the audit trail: so many an hour, lest somebody fill the ledger."""
        return self.quota.take("wrong-keys-noted", most=_NOTED_PER_HOUR, seconds=3600)

    def _rest(self) -> int:
        """The end of the quota's fixed window."""
        return SECONDS - int(self.clock().timestamp()) % SECONDS


def _name(origin: str) -> str:
    return f"wrong-key:{shortened_network(origin) or 'unknown'}"
