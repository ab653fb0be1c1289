"""How providers stand, how far an incident has been told, and trying again now."""

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict

from notifier.api.auth import Manager, MayRead
from notifier.api.http import paging
from notifier.api.http.responses import json_answer
from notifier.api.openapi.provider_models import ProgressShape, ProviderShape, RetriedShape
from notifier.api.openapi.route_docs import MAY_MISS, returns, returns_page
from notifier.api.runtime import Runtime
from notifier.services.dispatch.retry import RetryOrder

router = APIRouter(prefix="/v1")


@router.get("/providers", tags=["history"], responses=returns_page(ProviderShape), dependencies=[MayRead])
def list_providers(runtime: Runtime) -> Response:
    """List mail providers and social accounts: whether each works, since when, and its last error in its own words."""
    return json_answer(paging.page([one.as_json() for one in runtime.application.providers()], None))


# An incident's id may hold slashes.
@router.get(
    "/incidents/{incident_id:path}/progress",
    tags=["history"],
    responses=returns(200, ProgressShape),
    dependencies=[MayRead],
)
def show_progress(runtime: Runtime, incident_id: str) -> Response:
    """Say how far the newest message of each channel has come: who was told, who waits, and for what."""
    return json_answer(runtime.application.progress(incident_id))


class RetryBody(BaseModel):
    """What to try now: exactly one of these."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"provider": "sendgrid"}})

    endpoint_id: str | None = None
    notification_id: str | None = None
    provider: str | None = None


@router.post("/deliveries/retry", tags=["history"], responses=returns(200, RetriedShape) | MAY_MISS)
def retry(runtime: Runtime, actor: Manager, body: RetryBody) -> Response:
    """Make due now what waits for another attempt, and answer how many deliveries that are.

    Quiet hours, hourly limits, translations, earlier messages, evidence about doubtful mails and a rate that a receiver
    named are waited for as before. A provider that fails is asked at once, by one batch; when that succeeds, everything
    that waits for it leaves.
    """
    order = RetryOrder(endpoint_id=body.endpoint_id, notification_id=body.notification_id, provider=body.provider)
    return json_answer({"count": runtime.application.retry(order, actor)})
