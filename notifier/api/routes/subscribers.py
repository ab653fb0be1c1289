"""Subscribers, one by one. Lists of them: `subscriber_lists.py`."""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from notifier.api.auth import Manager, Reader
from notifier.api.http import paging
from notifier.api.http.responses import json_answer
from notifier.api.openapi.examples import SUBSCRIBER
from notifier.api.openapi.list_models import SubscriberOut
from notifier.api.openapi.route_docs import body_of, returns, returns_page
from notifier.api.runtime import ApiRuntime, Runtime
from notifier.domain.values import SubscriberKind, SubscriberState
from notifier.inbound.subscribers import SubscriberBody, SubscriberPatch, parse_patch, parse_subscriber
from notifier.services.security.audit import Actor
from notifier.services.security.masking import shown_to

router = APIRouter(prefix="/v1/subscribers", tags=["subscribers"])


@router.post(
    "", status_code=201, responses=returns(201, SubscriberOut), openapi_extra=body_of(SubscriberBody, SUBSCRIBER)
)
async def create_subscriber(request: Request, runtime: Runtime, actor: Manager) -> Response:
    """Create a subscriber, also one that was erased. Omitted fields take their defaults.

    A suppressed address stays suppressed.
    """
    body = await request.body()
    made = await run_in_threadpool(_create, runtime, body, actor)
    location = f"/v1/subscribers/{quote(made['external_id'], safe='')}"
    return json_answer(made, 201, {"Location": location})


@router.get("", responses=returns_page(SubscriberOut))
def list_subscribers(
    runtime: Runtime,
    reader: Reader,
    *,
    kind: Annotated[SubscriberKind | None, Query(description="Filter by kind.")] = None,
    state: Annotated[SubscriberState | None, Query(description="Filter by state.")] = None,
    limit: paging.Limit = paging.DEFAULT_LIMIT,
    cursor: paging.Cursor = None,
) -> Response:
    """List subscribers, oldest first. Addresses and names are masked for keys without scope manage."""
    position = paging.decode(cursor, int)
    items, after = runtime.container.subscribers.list(
        limit=limit, after=position[0] if position else 0, kind=kind, state=state
    )
    return json_answer(paging.page(shown_to(reader, items), paging.encode(after) if after is not None else None))


# An external id may hold slashes.
@router.get("/{external_id:path}", responses=returns(200, SubscriberOut))
def show_subscriber(runtime: Runtime, reader: Reader, external_id: str) -> Response:
    """Return one subscriber. Address and name are masked for keys without scope manage."""
    return json_answer(shown_to(reader, runtime.container.subscribers.get(external_id)))


@router.patch(
    "/{external_id:path}",
    responses=returns(200, SubscriberOut),
    openapi_extra=body_of(SubscriberPatch, {"locale": "de", "preferences": {"min_impact": "major"}}),
)
async def change_subscriber(request: Request, runtime: Runtime, actor: Manager, external_id: str) -> Response:
    """Update the given fields (RFC 7396); null resets a field to its default.

    `state: active` for an unsubscribed or suppressed subscriber also lifts the suppression of their address.
    """
    body = await request.body()
    return json_answer(await run_in_threadpool(_change, runtime, external_id, body, actor))


@router.delete("/{external_id:path}", status_code=204)
def remove_subscriber(runtime: Runtime, actor: Manager, external_id: str) -> Response:
    """Erase a subscriber's personal data; anonymous counts and a suppression of the address are kept.

    Keyed hashes of `external_id` and address are kept too: an import rejects rows that would recreate them. An
    explicit create, or the person's own sign-up, does recreate them.
    """
    runtime.container.subscribers.remove(external_id, actor)
    return Response(status_code=204)


def _create(runtime: ApiRuntime, body: bytes, actor: Actor) -> dict[str, Any]:
    container = runtime.container
    return container.subscribers.create(parse_subscriber(body, container.vocabulary), actor)


def _change(runtime: ApiRuntime, external_id: str, body: bytes, actor: Actor) -> dict[str, Any]:
    return runtime.container.subscribers.patch(external_id, parse_patch(body), actor)
