"""Closure audit: who was notified of an incident's start and end, who was not, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from notifier.domain.errors import ConflictError, NotFoundError
from notifier.domain.incidents.closure import ending, is_explained, reason_of
from notifier.domain.values import Status
from notifier.storage.database import Connection
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import closure
from notifier.storage.incidents import timeline

Json = dict[str, Any]


@dataclass(frozen=True)
class Closure:
    """Checks whether everyone notified of an incident's start has been notified of its end."""

    database: Database

    def audit(self, *, incident_id: str | None = None, since: datetime | None = None) -> Json:
        """Return `{"incidents": [...]}`: one incident, or all that ended (since an instant).

        Where deliveries have been pruned, the counts are None and `pruned` is true.

        Raises:
            NotFoundError: there is no such incident.
            ConflictError: the incident is not over.
        """
        with self.database.read() as connection:
            names = [incident_id] if incident_id is not None else closure.closed_incidents(connection, since)
            if incident_id is not None:
                _check_over(connection, incident_id)
        return {"incidents": [self._audited(name) for name in names]}

    def _audited(self, incident_id: str) -> Json:
        with self.database.read() as connection:
            ends = {channel: ending(told) for channel, told in closure.announcements(connection, incident_id).items()}
            if closure.is_pruned(connection, [number for end in ends.values() for number in end.sent]):
                return {"id": incident_id, "told_start": None, "told_end": None, "exceptions": [], "pruned": True}
            by_channel = {
                channel: closure.count(connection, incident_id, channel, end) for channel, end in ends.items()
            }
        return {
            "id": incident_id,
            "told_start": sum(counts.began for counts in by_channel.values()),
            "told_end": sum(counts.ended for counts in by_channel.values()),
            "exceptions": [
                {
                    "recipient": each.recipient or "erased",
                    "channel": channel.value,
                    "reason": reason_of(each, ends[channel].waits_for),
                }
                for channel, counts in by_channel.items()
                for each in counts.unnotified()
            ],
        }


def is_explained_throughout(incidents: Sequence[Json]) -> bool:
    """Whether every exception has a reason."""
    return all(is_explained(each["reason"]) for incident in incidents for each in incident["exceptions"])


def _check_over(connection: Connection, incident_id: str) -> None:
    found = timeline.get_incident(connection, incident_id)
    if found is None:
        raise NotFoundError("incident", incident_id)
    if not Status(found.status).is_over:
        raise ConflictError(f"incident {incident_id!r} is not over ({found.status}): ask again when it has ended")
