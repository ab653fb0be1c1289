"""Post a signed `endpoint.test` now and return the result."""

from dataclasses import dataclass
from typing import Any

from notifier.domain.errors import DeliveryError
from notifier.domain.ids import new_ulid
from notifier.domain.messages.message import HookRequest
from notifier.rendering.renderer import Renderer
from notifier.rendering.webhook.payloads import content_type
from notifier.services.endpoints.manage import Endpoints
from notifier.services.ports import Clock
from notifier.services.security.audit import Actor
from notifier.services.webhook_ports import HookEngine


@dataclass(frozen=True)
class EndpointTests:
    """Tests endpoints on request; a `pending` one becomes active when it answers."""

    endpoints: Endpoints
    renderer: Renderer
    engine: HookEngine
    clock: Clock

    def send(self, public_id: str, actor: Actor) -> dict[str, Any]:
        """Post a test; return the endpoint with `test`: success, status, milliseconds, response.

        Raises:
            NotFoundError: there is no such endpoint.
        """
        target = self.endpoints.target(public_id)
        now = self.clock()
        test_id = f"tst_{new_ulid(now)}"
        request = HookRequest(
            delivery_id=test_id,
            endpoint_id=target.id,
            url=target.url,
            body=self.renderer.webhook_test_body(target.format, test_id, now),
            secrets=target.secrets,
            content_type=content_type(target.format),
            headers=target.headers,
        )
        (result,) = self.engine.deliver([request])
        succeeded = result.error is None
        shown = self.endpoints.record_test(public_id, actor, succeeded=succeeded, status=result.status)
        error = result.error if isinstance(result.error, DeliveryError) else None
        return shown | {
            "test": {
                "id": test_id,
                "succeeded": succeeded,
                "status": result.status,
                "duration_ms": result.duration_ms,
                "reason": error.reason.value if error else None,
                "detail": error.detail if error else result.excerpt,
            }
        }
