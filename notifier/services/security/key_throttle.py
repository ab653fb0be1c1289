"""Throttle networks that send wrong keys. Right keys still open the API: nobody is locked out."""

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
        """Count a wrong key; returns the seconds that the network must pause, or 0."""
        within = self.quota.take(_name(origin), most=MOST, seconds=SECONDS)
        return 0 if within else self._rest()

    def pause(self, origin: str) -> int:
        """Return the seconds that the network must still pause, without counting."""
        return self._rest() if self.quota.is_spent(_name(origin), most=MOST + 1, seconds=SECONDS) else 0

    def is_worth_noting(self) -> bool:
        """Whether to audit one more refusal; limited per hour, so as not to fill the ledger."""
        return self.quota.take("wrong-keys-noted", most=_NOTED_PER_HOUR, seconds=3600)

    def _rest(self) -> int:
        """Return the seconds to the end of the quota's window."""
        return SECONDS - int(self.clock().timestamp()) % SECONDS


def _name(origin: str) -> str:
    return f"wrong-key:{shortened_network(origin) or 'unknown'}"
