"""Rebuild webhook requests for the delivery log, as for sending but without secrets."""

from dataclasses import dataclass
from typing import Any

from notifier.domain import ids
from notifier.domain.values import Channel, WebhookFormat
from notifier.rendering.webhook.payloads import content_type
from notifier.services.endpoints.manage import MASKED
from notifier.services.webhook_ports import HookWording
from notifier.storage.database import Connection
from notifier.storage.database.types import AnyRow
from notifier.storage.notifications.notifications import StoredNotification
from notifier.storage.recipients import endpoint_health


@dataclass(frozen=True)
class HookRequests:
    """Shows requests as the next attempt would send them, in the endpoint's current format."""

    wording: HookWording

    def view(self, connection: Connection, stored: StoredNotification, row: AnyRow) -> dict[str, Any] | None:
        """Return the request of a delivery; None if it is not a webhook or the endpoint is gone."""
        found = endpoint_health.get(connection, row.recipient_id) if stored.channel is Channel.WEBHOOK else None
        if found is None:
            return None
        form = WebhookFormat(found.format)
        body = self.wording.webhook_body(stored.notice, form, row.since, is_replay=bool(row.replays))
        headers = {"content-type": content_type(form), "webhook-id": ids.delivery_id(stored.notice.id, found.id)}
        return {
            "method": "POST",
            "url": found.url,
            "headers": headers | dict.fromkeys(found.headers, MASKED),
            "body": body.decode(),
        }
