"""Answer duplicate events without the write lock.

A producer that repeats an event thousands of times must not delay new ones. The filter (Redis) maps
the digest of a request's bytes to its event id. It may lose entries, be wrong or be unavailable:
the answer always comes from the ledger.
"""

from dataclasses import dataclass
from typing import Protocol

from notifier.domain.incidents.timeline import handed_in_before
from notifier.domain.values import Outcome
from notifier.services.events.ingest import Receipt
from notifier.storage.database.engine import Database
from notifier.storage.incidents import timeline


class DedupFilter(Protocol):
    """Maps request digests to event ids, shared by an installation's processes. Never raises."""

    async def find(self, digest: str) -> str | None:
        """Return the id of the event with this request digest, if known."""

    async def remember(self, digest: str, event_id: str) -> None:
        """Store the id of a committed event."""

    async def close(self) -> None:
        """Close connections."""


@dataclass(frozen=True)
class Deduplicate:
    """Answers a duplicate from the ledger with one read that no writer blocks."""

    database: Database

    def find(self, event_id: str) -> Receipt | None:
        """Return the answer to a duplicate of this event; None if the ledger does not have it."""
        with self.database.read() as connection:
            known = timeline.find_event(connection, event_id)
        if known is None:
            return None
        return Receipt(
            event_id=known.id,
            incident_id=known.incident_id,
            update_id=known.update_id,
            outcome=Outcome.DUPLICATE,
            reason=handed_in_before(known.id, known.outcome),
        )


def repeat_of(receipt: Receipt) -> Receipt:
    """Return the answer to an identical request that follows this one."""
    if receipt.outcome is Outcome.DUPLICATE:
        return receipt
    return Receipt(
        event_id=receipt.event_id,
        incident_id=receipt.incident_id,
        update_id=receipt.update_id,
        outcome=Outcome.DUPLICATE,
        reason=handed_in_before(receipt.event_id, receipt.outcome),
    )
