"""What happened: incidents, notifications, deliveries; and sending again what failed."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from notifier.api import paging
from notifier.api.auth import Runtime, needs
from notifier.domain import ids
from notifier.domain.values import DeliveryState
from notifier.services.api_keys import Scope
from notifier.services.replay import ReplayOrder

router = APIRouter(prefix="/v1", tags=["history"], dependencies=[Depends(needs(Scope.READ))])
changes = APIRouter(prefix="/v1", tags=["history"], dependencies=[Depends(needs(Scope.MANAGE))])


@router.get("/incidents")
def list_incidents(
    runtime: Runtime, limit: paging.Limit = paging.DEFAULT_LIMIT, cursor: paging.Cursor = None
) -> dict[str, Any]:
    """List incidents, newest first."""
    place = paging.decode(cursor, str, str)
    before = (datetime.fromisoformat(place[0]), place[1]) if place else None
    items = runtime.history.incidents(limit=limit + 1, before=before)
    more = len(items) > limit
    items = items[:limit]
    return paging.page(items, paging.encode(items[-1]["created_at"], items[-1]["id"]) if more else None)


@router.get("/incidents/{incident_id}")
def show_incident(runtime: Runtime, incident_id: str) -> dict[str, Any]:
    """Return one incident with its timeline."""
    return runtime.history.incident(incident_id)


@router.get("/incidents/{incident_id}/notifications")
def list_notifications(runtime: Runtime, incident_id: str) -> dict[str, Any]:
    """List an incident's notifications in order of decision, with `counts` of deliveries by state."""
    return paging.page(runtime.history.notifications(incident_id), None)


@router.get("/notifications/{notification_id}/deliveries")
def list_deliveries(
    runtime: Runtime,
    notification_id: str,
    state: Annotated[list[DeliveryState] | None, Query(description="Only deliveries in these states.")] = None,
    limit: paging.Limit = paging.DEFAULT_LIMIT,
    cursor: paging.Cursor = None,
) -> dict[str, Any]:
    """List the deliveries of one notification."""
    place = paging.decode(cursor, int)
    items = runtime.history.notification_deliveries(
        notification_id, states=state or (), after_key=place[0] if place else None, limit=limit + 1
    )
    more = len(items) > limit
    items = items[:limit]
    following = None
    if more:
        parsed = ids.parse_delivery_id(items[-1]["id"])
        following = paging.encode(parsed[1]) if parsed else None
    return paging.page(items, following)


@router.get("/deliveries/{delivery_id}")
def show_delivery(runtime: Runtime, delivery_id: str) -> dict[str, Any]:
    """Return one delivery with its attempts."""
    return runtime.history.delivery(delivery_id)


class ReplayBody(BaseModel):
    """Which deliveries to send again: exactly one of the first three names them."""

    model_config = ConfigDict(extra="forbid")

    notification_id: str | None = None
    endpoint_id: str | None = None
    delivery_ids: list[str] = Field(default_factory=list, max_length=10_000)
    states: list[DeliveryState] = Field(default_factory=lambda: [DeliveryState.FAILED])
    since: AwareDatetime | None = None


@changes.post("/deliveries/replay", status_code=202)
def replay(runtime: Runtime, body: ReplayBody) -> dict[str, int]:
    """Queue deliveries again; they keep their ids, so that receivers can drop what they have."""
    order = ReplayOrder(
        notification_id=body.notification_id,
        endpoint_id=body.endpoint_id,
        delivery_ids=tuple(body.delivery_ids),
        states=tuple(body.states),
        since=body.since,
    )
    return {"replayed": runtime.replay(order)}
