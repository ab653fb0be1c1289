"""Repeats, answered without the write lock: a filter says "perhaps", the ledger is read, nothing else counts.

A producer that repeats an event thousands of times must not hold up a fresh one. The filter (Redis) maps the digest of
a request's bytes to the event id they brought; it may forget, lie or be away. Only what the ledger holds is answered.
"""

from dataclasses import dataclass
from typing import Protocol

from notifier.domain.incidents.timeline import handed_in_before
from notifier.domain.values import Outcome
from notifier.services.events.ingest import Receipt
from notifier.storage.database.engine import Database
from notifier.storage.incidents import timeline


class DedupFilter(Protocol):
    """Which event the bytes of a request brought, shared by the processes of an installation. Never raises."""

    async def find(self, digest: str) -> str | None:
        """Return the id of the event that these bytes brought, if that is remembered."""

    async def remember(self, digest: str, event_id: str) -> None:
        """Remember an event that is committed."""

    async def close(self) -> None:
        """Let go of connections."""


@dataclass(frozen=True)
class Deduplicate:
    """Answers a repeat from the ledger, with one read beside any writer."""

    database: Database

    def find(self, event_id: str) -> Receipt | None:
        """Return the answer to a repeat of this event; None when the ledger does not hold it."""
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
    """Return what the next request with the same bytes is answered, once this one is committed."""
    if receipt.outcome is Outcome.DUPLICATE:
        return receipt
    return Receipt(
        event_id=receipt.event_id,
        incident_id=receipt.incident_id,
        update_id=receipt.update_id,
        outcome=Outcome.DUPLICATE,
        reason=handed_in_before(receipt.event_id, receipt.outcome),
    )
