"""Pages of the console: incidents, one incident, deliveries, explanations."""

from collections.abc import Mapping, Sequence
from typing import Any

from notifier.bootstrap.api_container import ApiContainer
from notifier.domain import ids
from notifier.domain.errors import NotFoundError
from notifier.domain.providers.provider_names import alert_label
from notifier.domain.values import DeliveryState
from notifier.services.providers.status import ProviderStatus
from notifier.storage.database import Connection
from notifier.storage.database.types import AnyRow
from notifier.storage.incidents import timeline
from notifier.storage.operations import alerts

Page = Mapping[str, Any]
_INCIDENTS, _DELIVERIES = 25, 50


def _alert(row: AnyRow) -> dict[str, Any]:
    return {"label": alert_label(row.key), "since": row.since, "detail": row.detail}


def _is_covered_by(key: str, trouble: Sequence[ProviderStatus]) -> bool:
    """Return whether an alert is about a provider already listed."""
    channel, *rest = key.split(":")
    return any((channel, rest[-1:]) == (one.channel.value, [one.name]) for one in trouble)


class Views:
    """Reads what the templates show."""

    def __init__(self, container: ApiContainer) -> None:
        """Take the container; reads nothing yet."""
        self._container = container
        self._readings = container.metrics_snapshot

    def incidents(self) -> Page:
        """Return the newest incidents, waiting work, and what does not work."""
        metrics_snapshot = self._readings.take()
        with self._container.database.read() as connection:
            standing = alerts.current(connection)
            trouble = self._trouble(connection)
        waiting: dict[str, float] = {}
        for (queue, _), number in metrics_snapshot.batches.items():
            waiting[queue] = waiting.get(queue, 0) + number
        return {
            "incidents": self._container.history.incidents(limit=_INCIDENTS),
            "held": self._held(),
            "waiting": {queue: int(number) for queue, number in sorted(waiting.items())},
            "overdue": {queue: seconds for (queue,), seconds in metrics_snapshot.overdue.items()},
            "trouble": trouble,
            "alarms": [_alert(row) for row in standing if not _is_covered_by(row.key, trouble)],
        }

    def _held(self) -> list[Page]:
        """Return held notifications, each with the version of its incident."""
        versions = {item["incident_id"]: self._version(item["incident_id"]) for item in self._container.history.held()}
        # Read again after the versions: an update in between makes the form outdated, not overlooked.
        items = self._container.history.held()
        return [{**item, "after": versions.get(item["incident_id"], "")} for item in items]

    def _version(self, incident_id: str) -> str:
        with self._container.database.read() as connection:
            return timeline.version(connection, incident_id)

    def _trouble(self, connection: Connection) -> list[ProviderStatus]:
        """Return the providers and accounts that do not work."""
        return [one for one in self._container.providers.read(connection) if one.circuit.is_open]

    def incident(self, incident_id: str) -> Page:
        """Return one incident: its timeline, and its notifications with counts by state."""
        history = self._container.history
        with self._container.database.read() as connection:
            trouble, after = self._trouble(connection), timeline.version(connection, incident_id)
        return {
            "after": after,
            "incident": history.incident(incident_id),
            "notifications": history.notifications(incident_id),
            "progress": self._container.progress.of_incident(incident_id)["channels"],
            "trouble": trouble,
        }

    def deliveries(self, notification_id: str, state: str, after: str) -> Page:
        """Return a page of a notification's deliveries; `after`: the last id of the page before."""
        states = [DeliveryState(state)] if state in set(DeliveryState) else []
        position = ids.parse_delivery_id(after)
        items = self._container.history.notification_deliveries(
            notification_id, states=states, after_key=position[1] if position else None, limit=_DELIVERIES + 1
        )
        shown = items[:_DELIVERIES]
        return {
            "notification_id": notification_id,
            "state": states[0].value if states else "",
            "states": [item.value for item in DeliveryState],
            "deliveries": shown,
            "next": shown[-1]["id"] if len(items) > _DELIVERIES else "",
        }

    def delivery(self, delivery_id: str) -> Page:
        """Return one delivery with its attempts."""
        return {"delivery": self._container.history.delivery(delivery_id)}

    def explain(self, incident_id: str, subscriber: str) -> Page:
        """Return why a recipient was, or was not, notified; the form if an input is missing."""
        page: dict[str, Any] = {"incident_id": incident_id, "subscriber": subscriber, "found": None, "fault": ""}
        if incident_id and subscriber:
            try:
                page["found"] = self._container.explain.recipient(incident_id, subscriber)
            except NotFoundError as error:
                page["fault"] = str(error)
        return page
