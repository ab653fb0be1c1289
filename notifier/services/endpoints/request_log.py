"""What an endpoint is posted, for the delivery log: built again by what builds it for sending, without any secret."""

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
    """Shows requests. The body is that of the next attempt: an endpoint that changed its format sees the new one."""

    wording: HookWording

    def view(self, connection: Connection, stored: StoredNotification, row: AnyRow) -> dict[str, Any] | None:
        """Return the request of a delivery; None where it is no webhook, or the endpoint is gone."""
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
