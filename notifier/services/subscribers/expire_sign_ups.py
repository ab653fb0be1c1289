"""Erase sign-ups that were not confirmed in time, without a reminder."""

from dataclasses import dataclass
from functools import partial

from notifier.services.isolation import UNGUARDED, Isolate
from notifier.services.ports import Clock
from notifier.services.security.address_hash import AddressHasher
from notifier.services.security.audit import SYSTEM
from notifier.services.subscribers.manage import erase
from notifier.storage.database.engine import Database
from notifier.storage.recipients import subscribers

_AT_ONCE = 500


@dataclass(frozen=True)
class ExpireSignUps:
    """A chore of the sweep."""

    database: Database
    clock: Clock
    addresses: AddressHasher
    isolate: Isolate = UNGUARDED

    name = "lapsed"

    def run(self) -> int:
        """Erase expired sign-ups; returns how many."""
        with self.database.read() as connection:
            expired_sign_ups = subscribers.expired_sign_ups(connection, self.clock(), limit=_AT_ONCE)
        return sum(
            self.isolate.run("sign-up", str(subscriber_id), partial(self._forget, subscriber_id)) or 0
            for subscriber_id in expired_sign_ups
        )

    def _forget(self, subscriber_id: int) -> bool:
        pepper, now = self.addresses.load(), self.clock()
        with self.database.write() as connection:
            stored = subscribers.lock_expired_sign_up(connection, subscriber_id, now)
            if stored is not None:
                erase(connection, stored, SYSTEM, pepper=pepper, now=now)
        return stored is not None
