"""State of providers, progress of an incident's notifications, and retrying now."""

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict

from notifier.api.auth import Manager, MayRead
from notifier.api.http import paging
from notifier.api.http.responses import json_answer
from notifier.api.openapi.provider_models import ProgressOut, ProviderOut, RetriedOut
from notifier.api.openapi.route_docs import MAY_MISS, returns, returns_page
from notifier.api.runtime import Runtime
from notifier.services.dispatch.retry import RetryOrder

router = APIRouter(prefix="/v1")


@router.get("/providers", tags=["history"], responses=returns_page(ProviderOut), dependencies=[MayRead])
def list_providers(runtime: Runtime) -> Response:
    """List mail providers and social accounts: state, since when, and the last error."""
    return json_answer(paging.page([one.as_json() for one in runtime.container.providers.statuses()], None))


# An incident's id may hold slashes.
@router.get(
    "/incidents/{incident_id:path}/progress",
    tags=["history"],
    responses=returns(200, ProgressOut),
    dependencies=[MayRead],
)
def show_progress(runtime: Runtime, incident_id: str) -> Response:
    """Return the progress of the latest message per channel: how many were notified, how many wait, and why."""
    return json_answer(runtime.container.progress.of_incident(incident_id))


class RetryBody(BaseModel):
    """What to retry now: exactly one of these."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"provider": "sendgrid"}})

    endpoint_id: str | None = None
    notification_id: str | None = None
    provider: str | None = None


@router.post("/deliveries/retry", tags=["history"], responses=returns(200, RetriedOut) | MAY_MISS)
def retry(runtime: Runtime, actor: Manager, body: RetryBody) -> Response:
    """Retry waiting deliveries now; returns their number.

    Deliveries that wait for something other than a retry keep waiting: quiet hours, hourly limits, translations,
    earlier messages, reports about mails in doubt, and rate limits of the receiver. A failing provider is probed at
    once with one batch; if that succeeds, everything that waits for it is sent.
    """
    order = RetryOrder(endpoint_id=body.endpoint_id, notification_id=body.notification_id, provider=body.provider)
    return json_answer({"count": runtime.container.retry.run(order, actor)})
