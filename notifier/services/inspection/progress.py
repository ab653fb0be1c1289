"""Progress of an incident's notifications: per channel who has been reached, who waits, and why."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from notifier.domain.errors import NotFoundError
from notifier.domain.incidents.incident import Incident
from notifier.domain.providers.breaker import WAITS_FOR_PROVIDER
from notifier.domain.values import Channel, DeliveryState, Reason, Status
from notifier.services.events.blast_guard import BlastGuard
from notifier.services.providers.status import Providers, ProviderStatus
from notifier.storage.database import Connection
from notifier.storage.database.codec import instant_to_json
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import progress
from notifier.storage.deliveries.progress import Part
from notifier.storage.incidents import timeline
from notifier.storage.notifications import notifications

Json = dict[str, Any]
HELD, PROVIDER_STOPPED, RETRY = "held", "provider_stopped", "retry"
_WAITS = {
    Reason.QUIET_HOURS: "quiet_hours",
    Reason.HOURLY_LIMIT: "hourly_limit",
    Reason.RATE_LIMITED: "rate_limited",
    Reason.OUTCOME_UNKNOWN: "in_doubt",
    Reason.TRANSLATION: "translation",
    Reason.WAITING_FOR_EARLIER: "earlier_message",
}


@dataclass(frozen=True)
class Progress:
    """Counts the deliveries of each channel's newest notification."""

    database: Database
    providers: Providers
    guard: BlastGuard

    def of_incident(self, incident_id: str) -> Json:
        """Return the progress of an incident's newest notification on each channel.

        Raises:
            NotFoundError: there is no such incident.
        """
        with self.database.read() as connection:
            if timeline.get_incident(connection, incident_id) is None:
                raise NotFoundError("incident", incident_id)
            rows = progress.newest(connection, incident_id)
            statuses = self.providers.read(connection)
            channels = {row.channel: self._channel(connection, row, statuses) for row in rows if row.state != HELD}
        for row in rows:
            if row.state == HELD:
                channels[row.channel] = self._held(row)
        return {"incident_id": incident_id, "channels": channels}

    @staticmethod
    def _channel(connection: Connection, row: Any, statuses: Sequence[ProviderStatus]) -> Json:
        found = progress.counted(connection, row.id)
        fails = _all_fail(statuses, Channel(row.channel))
        waiting: Counter[str] = Counter()
        ended: Counter[str] = Counter()
        for part in found.parts:
            if part.state == DeliveryState.SENDING:
                waiting["sending"] += part.number
            elif part.state == DeliveryState.QUEUED:
                waiting[_why(part, fails=fails)] += part.number
            else:
                ended[part.state] += part.number
        return _shape(row) | {
            "recipients": found.recipients,
            "told": found.recipients - waiting.total() - ended.total(),
            "waiting": waiting.total(),
            "why": dict(waiting),
            "ended": dict(ended),
            "first_told_at": instant_to_json(found.first),
            "last_told_at": instant_to_json(found.last),
            "next_attempt_at": _next(found.parts, statuses, Channel(row.channel)),
        }

    def _held(self, row: Any) -> Json:
        with self.database.read() as connection:
            stored = notifications.get_public(connection, row.public_id)
        number = self._reach(stored.notice.incident, stored.notice.lead.status, stored.channel) if stored else 0
        none = dict.fromkeys(("first_told_at", "last_told_at", "next_attempt_at"))
        counts = {"recipients": number, "told": 0, "waiting": number, "why": {HELD: number}, "ended": {}}
        return _shape(row) | counts | none

    def _reach(self, incident: Incident, status: Status, channel: Channel) -> int:
        self.guard.count(self.database, [channel])
        return self.guard.reach(channel, incident, status)


def _shape(row: Any) -> Json:
    named = {"notification_id": row.public_id, "sequence": row.sequence, "state": row.state}
    return named | {"created_at": instant_to_json(row.created_at)}


def _why(part: Part, *, fails: bool) -> str:
    """Return what a part waits for: its turn, a failing provider, a retry, or its own reason."""
    if part.reason is None:
        return "queued"
    reason = Reason(part.reason)
    if reason in WAITS_FOR_PROVIDER or reason is Reason.NOT_STARTED:
        return PROVIDER_STOPPED if fails or reason is Reason.BREAKER_OPEN else RETRY
    return _WAITS.get(reason, RETRY)


def _of(statuses: Iterable[ProviderStatus], channel: Channel) -> list[ProviderStatus]:
    return [one for one in statuses if one.channel is channel]


def _all_fail(statuses: Iterable[ProviderStatus], channel: Channel) -> bool:
    own = _of(statuses, channel)
    return bool(own) and all(one.circuit.is_open for one in own)


def _next(parts: Iterable[Part], statuses: Iterable[ProviderStatus], channel: Channel) -> str | None:
    """Return when the next attempt is: the next due time, or the probe that others wait for."""
    due = [part.due_at for part in parts if part.due_at is not None]
    probes = [one.circuit.next_probe_at for one in _of(statuses, channel) if one.circuit.next_probe_at is not None]
    return instant_to_json(min([*due, *probes])) if due else None
