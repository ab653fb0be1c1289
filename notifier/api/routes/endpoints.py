"""Partners' webhook endpoints."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from notifier.api.auth import Manager, Reader
from notifier.api.http import paging
from notifier.api.http.responses import json_answer
from notifier.api.openapi.examples import ENDPOINT
from notifier.api.openapi.history_models import EndpointDeliveryOut
from notifier.api.openapi.list_models import EndpointOut, EndpointTested, EndpointWithSecret
from notifier.api.openapi.route_docs import body_of, refuses, returns, returns_page
from notifier.api.runtime import ApiRuntime, Runtime
from notifier.domain.recipients.endpoint import EndpointState
from notifier.domain.values import DeliveryState
from notifier.inbound.endpoints import EndpointBody, EndpointPatch, parse_endpoint, parse_endpoint_patch
from notifier.services.security.audit import Actor
from notifier.services.security.masking import shown_to

router = APIRouter(prefix="/v1/endpoints", tags=["endpoints"])
_MAX_OVERLAP = 30 * 86_400
_SEALED = refuses(
    {409: "Its secret (rotate it) or a header (set it again) cannot be decrypted with `NOTIFIER_SECRET_KEYS`."}
)


@router.post(
    "", status_code=201, responses=returns(201, EndpointWithSecret), openapi_extra=body_of(EndpointBody, ENDPOINT)
)
async def create_endpoint(request: Request, runtime: Runtime, actor: Manager) -> Response:
    """Create an endpoint. Its signing `secret` is returned only once, in this response."""
    body = await request.body()
    made = await run_in_threadpool(_create, runtime, body, actor)
    return json_answer(made, 201, {"Location": f"/v1/endpoints/{made['id']}"})


@router.get("", responses=returns_page(EndpointOut))
def list_endpoints(
    runtime: Runtime,
    reader: Reader,
    *,
    state: Annotated[EndpointState | None, Query(description="Filter by state.")] = None,
    limit: paging.Limit = paging.DEFAULT_LIMIT,
    cursor: paging.Cursor = None,
) -> Response:
    """List endpoints, oldest first. Secrets in URLs are masked for keys without scope manage."""
    position = paging.decode(cursor, int)
    items, after = runtime.container.endpoints.list(limit=limit, after=position[0] if position else 0, state=state)
    return json_answer(paging.page(shown_to(reader, items), paging.encode(after) if after is not None else None))


@router.get("/{endpoint_id}", responses=returns(200, EndpointOut))
def show_endpoint(runtime: Runtime, reader: Reader, endpoint_id: str) -> Response:
    """Return one endpoint, without its secret. Secrets in its URL are masked for keys without scope manage."""
    return json_answer(shown_to(reader, runtime.container.endpoints.get(endpoint_id)))


@router.patch(
    "/{endpoint_id}",
    responses=returns(200, EndpointOut) | _SEALED,
    openapi_extra=body_of(EndpointPatch, {"min_impact": "major", "components": []}),
)
async def change_endpoint(request: Request, runtime: Runtime, actor: Manager, endpoint_id: str) -> Response:
    """Update the given fields (RFC 7396). `state: disabled` pauses the endpoint, `active` enables it."""
    body = await request.body()
    return json_answer(await run_in_threadpool(_change, runtime, endpoint_id, body, actor))


@router.delete("/{endpoint_id}", status_code=204)
def remove_endpoint(runtime: Runtime, actor: Manager, endpoint_id: str) -> Response:
    """Delete an endpoint and its secrets."""
    runtime.container.endpoints.remove(endpoint_id, actor)
    return Response(status_code=204)


@router.get("/{endpoint_id}/deliveries", responses=returns_page(EndpointDeliveryOut))
def list_endpoint_deliveries(
    runtime: Runtime,
    reader: Reader,
    *,
    endpoint_id: str,
    state: Annotated[list[DeliveryState] | None, Query(description="Filter by delivery state.")] = None,
    limit: paging.Limit = paging.DEFAULT_LIMIT,
    cursor: paging.Cursor = None,
) -> Response:
    """List an endpoint's deliveries, newest first. `GET /v1/deliveries/{id}` has requests, responses and timing."""
    position = paging.decode(cursor, int)
    items = runtime.container.history.endpoint_deliveries(
        endpoint_id, states=state or (), before=position[0] if position else None, limit=limit + 1
    )
    shown = items[:limit]
    following = paging.encode(shown[-1]["number"]) if len(items) > limit else None
    return json_answer(paging.page(shown_to(reader, shown), following))


@router.post("/{endpoint_id}/test", responses=returns(200, EndpointTested, "The endpoint's response.") | _SEALED)
def test_endpoint(runtime: Runtime, actor: Manager, endpoint_id: str) -> Response:
    """Post a signed `endpoint.test` now and return the result. A `pending` endpoint that accepts it becomes active."""
    return json_answer(runtime.container.endpoint_tests.send(endpoint_id, actor))


@router.post("/{endpoint_id}/rotate", responses=returns(200, EndpointWithSecret, "The new secret, shown only once."))
def rotate_secret(
    runtime: Runtime,
    actor: Manager,
    endpoint_id: str,
    overlap_seconds: Annotated[
        int | None,
        Query(ge=0, le=_MAX_OVERLAP, description="Hours during which the old secret stays valid; 24 by default."),
    ] = None,
) -> Response:
    """Rotate an endpoint's signing secret or key pair."""
    overlap = None if overlap_seconds is None else timedelta(seconds=overlap_seconds)
    return json_answer(runtime.container.endpoints.rotate(endpoint_id, actor, overlap=overlap))


@router.post("/{endpoint_id}/enable", responses=returns(200, EndpointOut))
def enable_endpoint(runtime: Runtime, actor: Manager, endpoint_id: str) -> Response:
    """Activate an endpoint and reset its failure history."""
    return json_answer(runtime.container.endpoints.enable(endpoint_id, actor))


def _create(runtime: ApiRuntime, body: bytes, actor: Actor) -> dict[str, Any]:
    container = runtime.container
    return container.endpoints.create(parse_endpoint(body, container.vocabulary), actor)


def _change(runtime: ApiRuntime, endpoint_id: str, body: bytes, actor: Actor) -> dict[str, Any]:
    return runtime.container.endpoints.patch(endpoint_id, parse_endpoint_patch(body), actor)
