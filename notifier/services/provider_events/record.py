"""Record a mail provider's events as states of deliveries and suppressions of addresses.

Events arrive repeatedly and in any order. Each is counted once, by its id, and a state is only
replaced by one that says more: accepted, suppressed by the provider, delivered, bounced (a bounce
may follow a delivery by hours).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from notifier.domain.ids import parse_delivery_id
from notifier.domain.providers.mail_event import MailEvent, MailEventKind, MailEvents, ReportedState
from notifier.domain.values import DeliveryState, Reason
from notifier.observability import get_logger
from notifier.services.ports import Clock
from notifier.services.provider_events.rules import ProviderRules, is_replaced_by
from notifier.services.provider_events.suppress import lift_topic, suppress
from notifier.services.security.address_hash import AddressHasher
from notifier.storage.database import Connection
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import batches, provider_feedback
from notifier.storage.operations import alerts, counters, provider_inbox
from notifier.storage.operations.counters import MAIL_CONFIRMED
from notifier.storage.operations.provider_inbox import ReportedEvent

_log = get_logger(__name__)

REPUTATION_ALERT = "email:reputation"
_CLUSTER, _CLUSTER_SPAN = 10, timedelta(hours=1)
_MAX_KEY = 1 << 63


def provider_alert_key(provider: str) -> str:
    """Return the alert key of our account at a mail provider."""
    return f"email:{provider}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderEventSummary:
    """Result of a request. `unmatched`: events without a delivery; `kinds`: new events by kind."""

    received: int
    new: int
    ignored: int
    unmatched: int
    kinds: Mapping[MailEventKind, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, int]:
        """Return the response to the provider."""
        return {"received": self.received, "new": self.new, "ignored": self.ignored, "unmatched": self.unmatched}


@dataclass(frozen=True, slots=True)
class LocatedEvent:
    """An event and its delivery's notification id and key; None if it is not one of ours."""

    event: MailEvent
    notification_id: int | None
    key: int | None


@dataclass(frozen=True)
class RecordProviderEvents:
    """Records events in one transaction, so that no acknowledged event can be lost."""

    database: Database
    clock: Clock
    addresses: AddressHasher
    rules: ProviderRules

    def record(self, batch: MailEvents) -> ProviderEventSummary:
        """Record a request's events.

        Raises:
            UnavailableError: the database does not answer; nothing was stored; the provider
            retries.
        """
        self.addresses.load()
        now = self.clock()
        with self.database.write() as connection:
            located = _located(connection, batch.events)
            fresh = _not_reported_before(connection, located, now)
            self._confirm(connection, fresh, now)
            self._set_states(connection, fresh, now)
            self._suppress(connection, fresh, now)
            self._raise_or_clear_alert(connection, fresh, now)
        return ProviderEventSummary(
            received=len(batch.events) + batch.ignored,
            new=len(fresh),
            ignored=batch.ignored,
            unmatched=sum(about.notification_id is None for about in located),
            kinds=Counter(about.event.kind for about in fresh),
        )

    def _suppress(self, connection: Connection, fresh: Sequence[LocatedEvent], now: datetime) -> None:
        rules, blamed = self.rules, self._sender_is_blamed(connection, fresh, now)
        for about in sorted(fresh, key=lambda item: item.event.at):
            address_key = self._address_key(about)
            if address_key is None:
                continue
            event = about.event
            if event.kind is MailEventKind.GROUP_RESUBSCRIBE:
                lift_topic(connection, address_key, event, rules, now)
            elif not (blamed and rules.blames_sender(event.kind, event.facts)):
                found = rules.suppression_for(event)
                if found is not None:
                    suppress(connection, address_key, found, rules, now)

    def _address_key(self, about: LocatedEvent) -> int | None:
        """Return a delivery's key, which is its address's, or hash a late bounce's address."""
        if about.key is not None and about.notification_id is not None:
            return about.key
        return self.addresses.of_optional(about.event.email)

    def _confirm(self, connection: Connection, fresh: Sequence[LocatedEvent], now: datetime) -> None:
        """Mark attempts of unknown outcome as accepted if an event proves it."""
        attempts: dict[int, int] = {}
        numbers: set[int] = set()
        for about in fresh:
            event = about.event
            if event.batch is not None and about.notification_id is not None and self.rules.shows_acceptance(event):
                number, attempt = event.batch
                attempts[number] = min(attempt, attempts.get(number, attempt))
                numbers.add(about.notification_id)
        confirmed = batches.confirm(connection, attempts, numbers, now)
        counters.add(connection, MAIL_CONFIRMED, self.rules.PROVIDER, confirmed)

    def _set_states(self, connection: Connection, fresh: Sequence[LocatedEvent], now: datetime) -> None:
        """Write the states, one statement per notification, state and reason."""
        by_notification: dict[int, dict[int, ReportedState]] = defaultdict(dict)
        for about in fresh:
            reported = self.rules.state_of(about.event)
            if reported is None or about.notification_id is None or about.key is None:
                continue
            by_key = by_notification[about.notification_id]
            if about.key not in by_key or is_replaced_by(by_key[about.key].state, reported.state):
                by_key[about.key] = reported
        for number in sorted(by_notification):
            by_key = by_notification[number]
            statuses = provider_feedback.lock_deliveries(connection, number, by_key.keys())
            changed: dict[tuple[DeliveryState, Reason | None], list[int]] = defaultdict(list)
            for key, locked in statuses.items():
                if is_replaced_by(locked.state, by_key[key].state):
                    changed[by_key[key].state, by_key[key].reason].append(key)
            for (state, reason), keys in changed.items():
                provider_feedback.set_states(connection, number, keys, state=state, reason=reason, now=now)

    def _sender_is_blamed(self, connection: Connection, fresh: Sequence[LocatedEvent], now: datetime) -> bool:
        """Whether many receivers reject us as sender, so that bounces say nothing of addresses."""
        if not any(self.rules.blames_sender(about.event.kind, about.event.facts) for about in fresh):
            return False
        recent = provider_inbox.bodies_since(
            connection, MailEventKind.BOUNCE.value, now - _CLUSTER_SPAN, _CLUSTER * 100
        )
        number = sum(self.rules.blames_sender(MailEventKind.BOUNCE, body) for body in recent)
        if number < _CLUSTER:
            return False
        detail = f"{number} bounces in an hour blame the sender: look at reputation, content and volume"
        alerts.raise_(connection, REPUTATION_ALERT, Reason.REJECTED, detail, now)
        return True

    def _raise_or_clear_alert(self, connection: Connection, fresh: Sequence[LocatedEvent], now: datetime) -> None:
        """Raise an alert if the account is stopped or out of credits; clear it when it recovers."""
        alert_key = provider_alert_key(self.rules.PROVIDER)
        for about in sorted(fresh, key=lambda item: item.event.at):
            report = self.rules.account_report(about.event)
            if report is None:
                continue
            if report.fault is None:
                alerts.clear(connection, alert_key)
                continue
            alerts.raise_(connection, alert_key, report.fault, report.detail, now)
            if report.fault is Reason.AUTH:
                _log.error("mail_account_suspended", status=report.detail)


def _located(connection: Connection, events: Iterable[MailEvent]) -> list[LocatedEvent]:
    parsed = [(event, parse_delivery_id(event.delivery_id) if event.delivery_id else None) for event in events]
    numbers = provider_feedback.mail_notifications(connection, {found[0] for _, found in parsed if found})
    return [
        LocatedEvent(event, numbers.get(found[0]), found[1])
        if found and found[1] < _MAX_KEY
        else LocatedEvent(event, None, None)
        for event, found in parsed
    ]


def _not_reported_before(connection: Connection, events: Sequence[LocatedEvent], now: datetime) -> list[LocatedEvent]:
    """Store the events and return those not reported before.

    `processed` is not stored: every mail has one, and applying it twice changes nothing.
    """
    kept = [
        ReportedEvent(
            id=about.event.id,
            kind=about.event.kind.value,
            body=dict(about.event.facts) | {"at": about.event.at.isoformat()},
            notification_id=about.notification_id,
            recipient_key=about.key if about.notification_id is not None else None,
        )
        for about in events
        if about.event.kind is not MailEventKind.PROCESSED
    ]
    fresh = provider_inbox.add_many(connection, kept, now)
    first: dict[str, LocatedEvent] = {}
    for about in events:
        if about.event.kind is MailEventKind.PROCESSED or about.event.id in fresh:
            first.setdefault(about.event.id, about)
    return list(first.values())
