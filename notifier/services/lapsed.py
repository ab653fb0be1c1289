"""Sign-ups that nobody confirmed in time are forgotten; nobody is reminded."""

from dataclasses import dataclass

from notifier.services.addresses import AddressKeys
from notifier.services.audit import SYSTEM
from notifier.services.ports import Clock
from notifier.services.subscribers import erase
from notifier.storage import subscribers
from notifier.storage.engine import Database

_AT_ONCE = 500


@dataclass(frozen=True)
class ForgetLapsed:
    """A chore of the sweep."""

    database: Database
    clock: Clock
    addresses: AddressKeys

    name = "lapsed"

    def __call__(self) -> int:
        """Erase sign-ups whose time to confirm is over; returns how many."""
        now = self.clock()
        with self.database.read() as connection:
            if not subscribers.has_lapsed(connection, now):
                return 0
        pepper = self.addresses.load()
        with self.database.write() as connection:
            lapsed = subscribers.lapsed(connection, now, limit=_AT_ONCE)
            for stored in lapsed:
                erase(connection, stored, SYSTEM, pepper=pepper, now=now)
        return len(lapsed)
