"""Ingest webhooks of other systems: Statuspage timelines and Alertmanager groups."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from notifier.domain.ids import identifier
from notifier.domain.incidents.alert_group import AlertGroup, AlertWording, alert_event
from notifier.domain.incidents.incident import Event
from notifier.domain.incidents.status_news import ComponentNews, IncidentNews
from notifier.domain.values import Outcome
from notifier.services.events.ingest import Ingest, Receipt
from notifier.services.ports import Clock
from notifier.services.security.audit import SYSTEM, Actor
from notifier.storage.database.engine import Database
from notifier.storage.incidents import alert_incidents, timeline
from notifier.storage.incidents.alert_incidents import AlertIncident
from notifier.storage.operations import provider_inbox
from notifier.storage.operations.provider_inbox import ReportedEvent

_AGAIN = timedelta(hours=1)


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
        }


def _of(receipt: Receipt, earlier: int = 0) -> IntegrationReceipt:
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
        return _of(self.ingest.take(self._unless_moved(newest)), added)

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


@dataclass(frozen=True)
class IngestAlertmanager:
    """Ingest one Alertmanager webhook: open or update an incident that no person has taken over."""

    database: Database
    clock: Clock
    ingest: Ingest
    wording: AlertWording

    def take(self, group: AlertGroup, actor: Actor = SYSTEM, *, guarded: bool = False) -> IntegrationReceipt:
        """Find the incident of an alert group and ingest its events.

        Raises:
            UnavailableError: the database does not answer; Alertmanager retries after a 5xx.
        """
        now = self.clock()
        with self.database.read() as connection:
            episode = alert_incidents.newest(connection, group.incidents_prefix)
            known = alert_incidents.known_events(connection, [group.event_id])
        if episode is not None and _is_over(episode) and now - episode.posted_at > _AGAIN and not known:
            episode = None  # long after the end, new trouble is a new incident with its own page
        if episode is None and not group.is_firing:
            return self._keep(group, None, "nothing was open that this could close")
        if episode is not None and not episode.is_automatic:
            return self._keep(group, episode, "a person has taken this incident over")
        if episode is not None and _is_over(episode) and not group.is_firing:
            return self._keep(group, episode, "the incident is over already")
        incident_id = episode.incident.id if episode else group.new_incident_id
        event = alert_event(group, self.wording, incident_id=incident_id, now=now)
        return _of(self.ingest.take(actor.signed(replace(event, guarded=guarded))))

    def _keep(self, group: AlertGroup, episode: AlertIncident | None, reason: str) -> IntegrationReceipt:
        body = {"firing": group.is_firing, "impact": group.impact.value, "components": list(group.components)}
        reported = ReportedEvent(id=group.event_id, kind="alert_group", body=body)
        with self.database.write() as connection:
            fresh = provider_inbox.add_many(connection, [reported], self.clock())
        return IntegrationReceipt(
            event_id=group.event_id,
            incident_id=episode.incident.id if episode else None,
            update_id=f"alerts-{group.change}",
            outcome=Outcome.RECORDED if fresh else Outcome.DUPLICATE,
            reason=reason,
        )


def _is_over(episode: AlertIncident) -> bool:
    return episode.status.is_over
