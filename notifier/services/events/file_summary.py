"""Summarize what a file of events would announce, so that no history is sent by mistake."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from notifier.domain.incidents.incident import Event
from notifier.domain.values import Channel
from notifier.services.events.ingest import Ingest
from notifier.storage.incidents import alert_incidents

_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSummary:
    """The new, announceable part of a file; `recipients` of its farthest-reaching update."""

    incidents: int
    updates: int
    old: int  # posted longer ago than `guard.hold_older_than`
    recipients: Mapping[Channel, int]

    @property
    def needs_confirmation(self) -> bool:
        """Whether an operator must confirm first."""
        return self.incidents > 1 or self.old > 0

    def __str__(self) -> str:
        """Return the summary in one line."""
        reach = ", ".join(f"{channel} {number}" for channel, number in self.recipients.items())
        old = f"; {self.old} older than guard.hold_older_than" if self.old else ""
        return f"incidents: {self.incidents}; updates: {self.updates}{old}; recipients: {reach}"


def summarise(ingest: Ingest, events: Sequence[Event], now: datetime) -> FileSummary:
    """Count what a file would announce, without known events and without storing anything.

    Raises:
        UnavailableError: the database does not answer.
    """
    known: set[str] = set()
    with ingest.database.read() as connection:
        for start in range(0, len(events), _AT_ONCE):
            known |= alert_incidents.known_events(connection, [event.id for event in events[start : start + _AT_ONCE]])
    notified = [event for event in events if event.notify and event.id not in known]
    limit = ingest.guard.policy.hold_older_than
    return FileSummary(
        incidents=len({event.incident.id for event in notified}),
        updates=len(notified),
        old=sum(limit is not None and now - event.update.ordered_at > limit for event in notified),
        recipients=_recipients(ingest, notified),
    )


def _recipients(ingest: Ingest, notified: Sequence[Event]) -> dict[Channel, int]:
    ingest.guard.count(ingest.database, ingest.policies)
    reach = ingest.guard.reach
    return {
        channel: max((reach(channel, event.incident, event.update.status) for event in notified), default=0)
        for channel in ingest.policies
    }
