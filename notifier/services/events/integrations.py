"""Ingest the timelines that a Statuspage's webhooks tell."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from notifier.domain.ids import identifier
from notifier.domain.incidents.incident import Event
from notifier.domain.incidents.status_news import ComponentNews, IncidentNews
from notifier.domain.values import Outcome
from notifier.services.events.ingest import Ingest, Receipt
from notifier.services.ports import Clock
from notifier.services.security.audit import SYSTEM, Actor
from notifier.storage.database.engine import Database
from notifier.storage.incidents import alert_incidents, timeline
from notifier.storage.operations import provider_inbox
from notifier.storage.operations.provider_inbox import ReportedEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationReceipt:
    """The answer to an integration.

    `incident_id`: None if no incident is affected. `earlier`: number of historical updates.
    """

    event_id: str
    incident_id: str | None
    update_id: str
    outcome: Outcome
    reason: str
    recipients: int = 0
    held: bool = False
    earlier: int = 0
    signal_id: str | None = None
    draft_id: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the answer, in the form of `POST /v1/events`."""
        return {
            "event_id": self.event_id,
            "incident_id": self.incident_id,
            "update_id": self.update_id,
            "outcome": self.outcome.value,
            "reason": self.reason,
            "recipients": self.recipients,
            "held": self.held,
            "earlier_updates": self.earlier,
            "signal_id": self.signal_id,
            "draft_id": self.draft_id,
        }


def receipt_of(receipt: Receipt, earlier: int = 0) -> IntegrationReceipt:
    """Return the answer to an integration whose event was ingested."""
    return IntegrationReceipt(
        event_id=receipt.event_id,
        incident_id=receipt.incident_id,
        update_id=receipt.update_id,
        outcome=receipt.outcome,
        reason=receipt.reason,
        recipients=receipt.recipients,
        held=receipt.held,
        earlier=earlier,
    )


@dataclass(frozen=True)
class IngestStatuspage:
    """Ingest one Statuspage webhook. Safe to repeat if interrupted."""

    database: Database
    clock: Clock
    ingest: Ingest

    def take(
        self, news: IncidentNews | ComponentNews, actor: Actor = SYSTEM, *, guarded: bool = False
    ) -> IntegrationReceipt:
        """Ingest missing updates, oldest first, so that each is classified against its history.

        Raises:
            UnavailableError: the database does not answer; the sender retries.
        """
        if isinstance(news, ComponentNews):
            return self._keep(news)
        *older, newest = (actor.signed(replace(event, guarded=guarded)) for event in news.events)
        history = [self.ingest.take(event) for event in self._unknown(older)]
        added = sum(receipt.outcome is Outcome.RECORDED for receipt in history)
        return receipt_of(self.ingest.take(self._unless_moved(newest)), added)

    def _unless_moved(self, event: Event) -> Event:
        """Change the event id if the window was corrected: Statuspage keeps the update's dates."""
        window = event.incident.scheduled_for, event.incident.scheduled_until
        with self.database.read() as connection:
            stored = timeline.get_incident(connection, event.incident.id)
            is_known = event.update.status.is_maintenance and bool(alert_incidents.known_events(connection, [event.id]))
        known = (stored.scheduled_for, stored.scheduled_until) if stored is not None else window
        if not is_known or known == window:
            return event
        return replace(event, id=identifier(event.id, *(at.isoformat() for at in (*known, *window) if at is not None)))

    def _unknown(self, events: Sequence[Event]) -> list[Event]:
        """Return the new events: a webhook always has the whole timeline."""
        with self.database.read() as connection:
            known = alert_incidents.known_events(connection, [event.id for event in events])
        return [event for event in events if event.id not in known]

    def _keep(self, news: ComponentNews) -> IntegrationReceipt:
        old = news.old_status.value if news.old_status else None
        body = {"component": news.component, "from": old, "to": news.new_status.value, "at": news.at.isoformat()}
        reported = ReportedEvent(id=news.id, kind="component_update", body=body)
        with self.database.write() as connection:
            fresh = provider_inbox.add_many(connection, [reported], self.clock())
        return IntegrationReceipt(
            event_id=news.id,
            incident_id=None,
            update_id=news.id.rpartition(":")[2],
            outcome=Outcome.RECORDED if fresh else Outcome.DUPLICATE,
            reason="a component status alone is not an incident: recorded, nobody is notified",
        )
