"""`POST /v1/events`: hand in an incident event."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool

from notifier.api.auth import Runtime, needs
from notifier.services.api_keys import Caller, Scope

router = APIRouter(prefix="/v1", tags=["events"])


@router.post("/events", status_code=202, openapi_extra={"requestBody": {"required": True}})
async def publish(
    request: Request, runtime: Runtime, _caller: Annotated[Caller, Depends(needs(Scope.PUBLISH))]
) -> dict[str, Any]:
    """Take one event. It is stored before it is answered: an acknowledged event is never lost."""
    body = await request.body()
    receipt = await run_in_threadpool(runtime.publish, body)
    return receipt.as_json()
