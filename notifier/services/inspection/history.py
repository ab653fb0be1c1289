"""Incidents, notifications, deliveries and attempts for the API and the command line."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from notifier.domain import ids
from notifier.domain.errors import NotFoundError
from notifier.domain.incidents.automation import AutomationRules, wanted_automation
from notifier.domain.incidents.incident import Automation
from notifier.domain.values import DeliveryState, Impact
from notifier.storage.database import Connection
from notifier.storage.database.codec import automation_to_json, incident_from_json, instant_to_json
from notifier.storage.database.engine import Database
from notifier.storage.database.types import AnyRow
from notifier.storage.deliveries import deliveries
from notifier.storage.incidents import timeline
from notifier.storage.notifications import approvals, notifications
from notifier.storage.notifications.notifications import StoredNotification
from notifier.storage.recipients import endpoints

Json = dict[str, Any]


class RequestView(Protocol):
    """Shows webhook requests (`services/endpoints/request_log.py`)."""

    def view(self, connection: Connection, stored: StoredNotification, row: AnyRow) -> Json | None:
        """Return the request of a delivery; None if it is not a webhook or the endpoint is gone."""


@dataclass(frozen=True)
class History:
    """Reads history as plain JSON data with RFC 3339 times."""

    database: Database
    requests: RequestView | None = None
    automation: AutomationRules = field(default_factory=AutomationRules)  # of `[maintenance]`

    def incidents(self, *, limit: int, before: tuple[datetime, str] | None = None) -> list[Json]:
        """Return incidents, newest first."""
        with self.database.read() as connection:
            return [_incident(row) for row in timeline.list_incidents(connection, limit=limit, before=before)]

    def incident(self, incident_id: str) -> Json:
        """Return one incident with its timeline.

        Raises:
            NotFoundError: there is no such incident.
        """
        with self.database.read() as connection:
            row = timeline.get_incident(connection, incident_id)
            if row is None:
                raise NotFoundError("incident", incident_id)
            updates = timeline.full_updates(connection, incident_id)
        return _incident(row) | {
            "automation": self._automation(row, updates),
            "updates": [_update(item) for item in updates],
        }

    def _automation(self, row: AnyRow, updates: Sequence[AnyRow]) -> Json | None:
        """Return what planned work does by itself; None for a disruption."""
        if row.impact != Impact.MAINTENANCE.value:
            return None
        wanted = wanted_automation(
            incident_from_json(item.incident) for item in updates if item.visible and not item.held
        )
        rules = self.automation.overridden(wanted)
        return automation_to_json(
            Automation(remind=rules.remind, start=rules.start, complete=rules.complete, repeat=rules.repeat)
        )

    def notifications(self, incident_id: str) -> list[Json]:
        """Return an incident's notifications in order of decision, with deliveries by state."""
        with self.database.read() as connection:
            if timeline.get_incident(connection, incident_id) is None:
                raise NotFoundError("incident", incident_id)
            rows = notifications.of_incident(connection, incident_id)
            counts = notifications.counts(connection, [row.id for row in rows])
        return [_notification(row) | {"counts": counts[row.id]} for row in rows]

    def held(self, limit: int = 1_000) -> list[Json]:
        """Return held notifications, oldest first."""
        with self.database.read() as connection:
            return [_held(row) for row in approvals.waiting(connection, limit)]

    def notification_deliveries(
        self, public_id: str, *, states: Sequence[DeliveryState], after_key: int | None, limit: int
    ) -> list[Json]:
        """Return one notification's deliveries; each has its `key` for paging by `after_key`."""
        with self.database.read() as connection:
            stored = notifications.get_public(connection, public_id)
            if stored is None:
                raise NotFoundError("notification", public_id)
            rows = deliveries.list_of(
                connection, stored.id, states=[state.value for state in states], after_key=after_key, limit=limit
            )
        return [_delivery(row) for row in rows]

    def latest_deliveries(
        self, *, incident_id: str | None = None, states: Sequence[DeliveryState] = (), limit: int
    ) -> list[Json]:
        """Return deliveries of any notification, or of one incident, newest first.

        Raises:
            NotFoundError: there is no such incident.
        """
        with self.database.read() as connection:
            if incident_id is not None and timeline.get_incident(connection, incident_id) is None:
                raise NotFoundError("incident", incident_id)
            rows = deliveries.latest(
                connection, incident_id=incident_id, states=[state.value for state in states], limit=limit
            )
        return [_delivery(row) for row in rows]

    def endpoint_deliveries(
        self, public_id: str, *, states: Sequence[DeliveryState], before: int | None, limit: int
    ) -> list[Json]:
        """Return an endpoint's deliveries, newest first; `before` is a notification's row id.

        Each item has its `number` for paging.

        Raises:
            NotFoundError: there is no such endpoint.
        """
        with self.database.read() as connection:
            stored = endpoints.get(connection, public_id)
            if stored is None:
                raise NotFoundError("endpoint", public_id)
            chosen = [state.value for state in states]
            rows = deliveries.of_endpoint(connection, stored.id, states=chosen, before=before, limit=limit)
        return [_delivery(row) | {"number": row.notification_id} for row in rows]

    def delivery(self, delivery_id: str) -> Json:
        """Return one delivery with its attempts."""
        parsed = ids.parse_delivery_id(delivery_id)
        with self.database.read() as connection:
            stored = notifications.get_public(connection, parsed[0]) if parsed else None
            row = deliveries.get(connection, stored.id, parsed[1]) if stored and parsed else None
            if row is None:
                raise NotFoundError("delivery", delivery_id)
            tries = deliveries.attempts(connection, row.notification_id, row.recipient_key, row.batch_id)
            request = self.requests.view(connection, stored, row) if stored and self.requests else None
        return _delivery(row) | {"request": request, "attempts": [_attempt(item) for item in tries]}


def _incident(row: AnyRow) -> Json:
    return {
        "id": row.id,
        "title": row.title,
        "impact": row.impact,
        "status": row.status,
        "components": row.components,
        "started_at": instant_to_json(row.started_at),
        "scheduled_for": instant_to_json(row.scheduled_for),
        "scheduled_until": instant_to_json(row.scheduled_until),
        "links": row.links,
        "created_at": instant_to_json(row.created_at),
        "updated_at": instant_to_json(row.updated_at),
    }


_WINDOW = ("scheduled_for", "scheduled_until", "previous_scheduled_for", "previous_scheduled_until")


def _update(row: AnyRow) -> Json:
    return {
        "id": row.id,
        "status": row.status,
        "impact": row.incident["impact"],
        **{name: row.incident.get(name) for name in _WINDOW},
        "body": row.body,
        "posted_at": instant_to_json(row.posted_at),
        "next_update_at": instant_to_json(row.next_update_at),
        "received_at": instant_to_json(row.received_at),
        "outcome": row.outcome,
        "revision": row.revision,
        "author": row.author,
        "notify": row.notify,
        "visible": row.visible,
        "held": row.held or row.pending_edit is not None,
    }


def _notification(row: AnyRow) -> Json:
    return {
        "id": row.public_id,
        "incident_id": row.incident_id,
        "sequence": max(row.sequence, 0),
        "round": row.round,
        "channel": row.channel,
        "update_ids": row.update_ids,
        "urgency": row.urgency,
        "state": row.state,
        "held_because": row.content.get("held_because"),
        "created_at": instant_to_json(row.created_at),
        "planned_at": instant_to_json(row.planned_at),
    }


def _held(row: AnyRow) -> Json:
    """Return a held notification with the text that an operator decides about."""
    update = row.content["updates"][-1]
    words = {"title": row.content["incident"]["title"], "impact": update["impact"], "status": update["status"]}
    return _notification(row) | {"counts": {}, **words, "body": update["body"]}


def _delivery(row: AnyRow) -> Json:
    recipient = row.external_id or row.endpoint_id or row.account
    attempts = row.attempts or 0
    return {
        "id": ids.delivery_id(row.public_id, row.recipient_key),
        "notification_id": row.public_id,
        "incident_id": row.incident_id,
        "sequence": row.sequence,
        "channel": row.channel,
        "recipient": recipient,
        "address": row.email or row.url or row.account,
        "locale": row.locale,
        "state": row.state,
        "reason": row.reason,
        "attempts_made": attempts,
        "next_attempt_at": instant_to_json(row.due_at) if row.state == DeliveryState.QUEUED else None,
        "provider": row.provider,
        "provider_message_id": row.provider_id or row.provider_message_id,
        "created_at": instant_to_json(row.created_at),
        "updated_at": instant_to_json(row.updated_at),
    }


def _attempt(row: AnyRow) -> Json:
    return {
        "number": row.number,
        "started_at": instant_to_json(row.started_at),
        "duration_ms": row.duration_ms,
        "outcome": row.outcome,
        "reason": row.reason,
        "status": row.status,
        "detail": row.detail,
        "answer": row.answer,
        "provider": row.provider,
    }
