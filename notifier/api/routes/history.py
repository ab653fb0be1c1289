"""History: incidents, notifications, deliveries; resending what failed."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from notifier.api.auth import MayManage, MayRead, Reader, actor_of, needs
from notifier.api.http import paging
from notifier.api.http.responses import json_answer
from notifier.api.openapi.history_models import (
    ClosureOut,
    CountOut,
    DeliveryOut,
    DeliveryWithAttempts,
    ExplanationOut,
    IncidentOut,
    IncidentWithTimeline,
    NotificationOut,
    ReplayedOut,
)
from notifier.api.openapi.route_docs import MAY_MISS, refuses, returns, returns_page
from notifier.api.runtime import Runtime
from notifier.domain import ids
from notifier.domain.recipients.subscriber import MAX_EMAIL
from notifier.domain.values import Channel, DeliveryState
from notifier.services.dispatch.replay import ReplayOrder
from notifier.services.security.api_keys import Caller, KeyScope
from notifier.services.security.masking import shown_to

router = APIRouter(prefix="/v1", tags=["history"], dependencies=[MayRead])
changes = APIRouter(prefix="/v1", tags=["history"], dependencies=[MayManage])
Changer = Annotated[Caller, Depends(needs(KeyScope.MANAGE))]


@router.get("/incidents", responses=returns_page(IncidentOut))
def list_incidents(
    runtime: Runtime, limit: paging.Limit = paging.DEFAULT_LIMIT, cursor: paging.Cursor = None
) -> Response:
    """List incidents, newest first."""
    items = runtime.container.history.incidents(limit=limit + 1, before=paging.instant_and_id(cursor))
    return json_answer(paging.by_creation(items, limit))


_ASKED = "External id, endpoint id, account name or e-mail address; the first match in this order."


# An incident's id may hold slashes, so the longer paths come first.
@router.get("/incidents/{incident_id:path}/notifications", responses=returns_page(NotificationOut))
def list_notifications(runtime: Runtime, incident_id: str) -> Response:
    """List an incident's notifications, oldest first, with `counts` of deliveries by state."""
    return json_answer(paging.page(runtime.container.history.notifications(incident_id), None))


@router.get(
    "/incidents/{incident_id:path}/explain", responses=returns(200, ExplanationOut, "Each rule with its verdict.")
)
def explain(
    runtime: Runtime,
    reader: Reader,
    incident_id: str,
    subscriber: Annotated[str, Query(max_length=MAX_EMAIL, description=_ASKED, examples=["shop-1001"])],
) -> Response:
    """Explain why someone was, or was not, notified: each rule with its verdict, and each delivery.

    For a subscriber this covers their mailbox and endpoints; for an address, every subscriber with it. The server does
    not log query strings; if a proxy does, use the external id rather than the address.
    """
    return json_answer(shown_to(reader, runtime.container.explain.recipient(incident_id, subscriber)))


@router.get(
    "/incidents/{incident_id:path}/closure",
    responses=returns(200, ClosureOut, "Of this incident.") | refuses({409: "The incident is still open."}),
)
def closure(runtime: Runtime, incident_id: str) -> Response:
    """For a closed incident, return who was notified of the start and of the end, and the exceptions.

    A `reason` that begins with `waiting:` means that the end will still be sent; `unknown:` means that there is no
    explanation. All others are final: unsubscribed, bounced, suppressed, disabled, given up, erased.
    """
    return json_answer(runtime.container.closure.audit(incident_id=incident_id))


@router.get("/notifications/{notification_id}/deliveries", responses=returns_page(DeliveryOut))
def list_deliveries(
    runtime: Runtime,
    reader: Reader,
    *,
    notification_id: str,
    state: Annotated[list[DeliveryState] | None, Query(description="Filter by delivery state.")] = None,
    limit: paging.Limit = paging.DEFAULT_LIMIT,
    cursor: paging.Cursor = None,
) -> Response:
    """List the deliveries of one notification."""
    position = paging.decode(cursor, int)
    items = runtime.container.history.notification_deliveries(
        notification_id, states=state or (), after_key=position[0] if position else None, limit=limit + 1
    )
    shown = items[:limit]
    return json_answer(paging.page(shown_to(reader, shown), _after(shown[-1]) if len(items) > limit else None))


def _after(delivery: dict[str, Any]) -> str | None:
    parsed = ids.parse_delivery_id(delivery["id"])
    return paging.encode(parsed[1]) if parsed else None


@router.get("/deliveries/{delivery_id}", responses=returns(200, DeliveryWithAttempts))
def show_delivery(runtime: Runtime, reader: Reader, delivery_id: str) -> Response:
    """Return one delivery with its attempts. Addresses are masked for keys without scope manage."""
    return json_answer(shown_to(reader, runtime.container.history.delivery(delivery_id)))


class ReplayBody(BaseModel):
    """The deliveries to resend: exactly one of the first four fields selects them.

    `channel: webhook` selects all of them. `since` (inclusive) and `until` (exclusive) filter by creation time.
    Deliveries that arrived (`accepted`, `delivered`) are resent only with `notification_id`, `delivery_ids` or
    `since`. `dry_run`: count only; send nothing.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"endpoint_id": "end_01k...", "states": ["failed"], "since": None}},
    )

    notification_id: str | None = None
    endpoint_id: str | None = None
    delivery_ids: list[str] = Field(default_factory=list, max_length=10_000)
    channel: Channel | None = None
    states: list[DeliveryState] = Field(default_factory=lambda: [DeliveryState.FAILED])
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    dry_run: bool = False


_MAY_REPLAY = (
    returns(202, ReplayedOut)
    | returns(200, CountOut, "Counted (`dry_run`); nothing was sent.")
    | MAY_MISS
    | refuses({409: "Resending delivered messages passes the guard like an announcement, and was stopped by it."})
)


@changes.post("/deliveries/replay", status_code=202, responses=_MAY_REPLAY)
def replay(request: Request, runtime: Runtime, caller: Changer, body: ReplayBody) -> Response:
    """Queue deliveries to be resent. They keep their ids, so that receivers can drop duplicates.

    Resending delivered messages passes the guard like an announcement (409): not more than `guard.hold_above`, and
    with `guard.needs_announce` only with a key with scope `announce`. Every replay is recorded in the audit trail.
    """
    order = ReplayOrder(
        notification_id=body.notification_id,
        endpoint_id=body.endpoint_id,
        delivery_ids=tuple(body.delivery_ids),
        channel=body.channel,
        states=tuple(body.states),
        since=body.since,
        until=body.until,
    )
    again = runtime.container.replay
    if body.dry_run:
        return json_answer({"count": again.count(order)})
    number = again.run(order, actor_of(request, caller), may_announce=KeyScope.ANNOUNCE in caller.scopes)
    return json_answer({"replayed": number}, 202)


incident = APIRouter(prefix="/v1", tags=["history"], dependencies=[MayRead])


@incident.get("/incidents/{incident_id:path}", responses=returns(200, IncidentWithTimeline))
def show_incident(runtime: Runtime, incident_id: str) -> Response:
    """Return one incident with its timeline, oldest update first."""
    return json_answer(runtime.container.history.incident(incident_id))
