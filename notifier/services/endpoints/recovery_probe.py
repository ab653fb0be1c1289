"""Probe disabled endpoints with signed tests; one that answers becomes active and catches up."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from notifier.domain.errors import ConfigError, DeliveryError, PermanentDeliveryError
from notifier.domain.ids import new_ulid
from notifier.domain.messages.message import HookRequest
from notifier.domain.recipients.endpoint import EndpointMode
from notifier.domain.recipients.endpoint_health import next_probe
from notifier.domain.values import WebhookFormat
from notifier.observability import get_logger
from notifier.rendering.webhook.payloads import content_type
from notifier.services.endpoints.secrets import EndpointSecrets
from notifier.services.ports import Clock, Job
from notifier.services.security.audit import SYSTEM, Subject, record
from notifier.services.webhook_ports import HookEngine
from notifier.storage.database import Connection
from notifier.storage.database.engine import Database
from notifier.storage.database.types import AnyRow
from notifier.storage.deliveries import endpoint_backlog
from notifier.storage.recipients import endpoint_health, endpoints

_log = get_logger(__name__)


class ProbeWording(Protocol):
    """Builds the body of a test (implemented by `rendering.renderer.Renderer`)."""

    def webhook_test_body(self, format_: WebhookFormat, test_id: str, now: datetime) -> bytes:
        """Return the bytes to post."""


@dataclass(frozen=True)
class ProbeEndpoint:
    """Probes one endpoint. Safe to call concurrently: only the first call posts."""

    database: Database
    clock: Clock
    engine: HookEngine
    wording: ProbeWording
    secrets: EndpointSecrets
    regroup: Job

    def run(self, endpoint_id: int) -> bool:
        """Post a signed `endpoint.test`; returns whether the endpoint is active again."""
        now = self.clock()
        with self.database.write() as connection:
            row = endpoint_health.claim_probe(connection, endpoint_id, now, lambda probes: next_probe(probes, now))
        if row is None:
            return False
        try:
            request = self._request(row, now)
        except ConfigError as error:
            _log.warning("endpoint_probe_skipped", endpoint=row.public_id, error=str(error))
            return False
        (result,) = self.engine.deliver([request], retry=True)
        if result.error is not None and not isinstance(result.error, DeliveryError):
            raise result.error
        with self.database.write() as connection:
            if isinstance(result.error, PermanentDeliveryError):
                endpoint_health.stop_probing(connection, endpoint_id)
            if result.error is not None:
                return False
            missed = recover(connection, row, self.clock())
            detail = {"state": ["disabled", "active"], "reason": "it answered a test", "caught_up": missed}
            subject = Subject("endpoint", row.public_id)
            record(connection, SYSTEM, "endpoint.recovered", subject, at=self.clock(), detail=detail)
        while self.regroup.run():
            continue
        return True

    def _request(self, row: AnyRow, now: datetime) -> HookRequest:
        test_id = f"tst_{new_ulid(now)}"
        form = WebhookFormat(row.format)
        return HookRequest(
            delivery_id=test_id,
            endpoint_id=row.id,
            url=row.url,
            body=self.wording.webhook_test_body(form, test_id, now),
            secrets=self.secrets.open(row.secrets, now),
            content_type=content_type(form),
            headers=self.secrets.open_headers(row.headers),
        )


def recover(connection: Connection, row: AnyRow, now: datetime) -> int:
    """Activate an endpoint with reset health and make missed messages due; returns how many.

    With mode `every`, all missed messages; with `latest`, the current state of each incident.
    """
    endpoints.change(connection, row.id, {"state": "active", **endpoint_health.CLEAN, "last_success_at": now}, now)
    since = min(filter(None, (row.failing_since, row.disabled_at)), default=None)
    if since is None:
        return 0
    latest_only = row.mode == EndpointMode.LATEST.value
    return endpoint_backlog.catch_up(connection, row.id, since, now, latest_only=latest_only)
