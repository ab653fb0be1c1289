"""Held notifications: release or cancel them."""

from fastapi import APIRouter, Response

from notifier.api.auth import Manager, MayRead
from notifier.api.http.paging import page
from notifier.api.http.responses import json_answer
from notifier.api.openapi.history_models import DecidedOut, HeldOut
from notifier.api.openapi.route_docs import refuses, returns, returns_page
from notifier.api.runtime import Runtime

router = APIRouter(prefix="/v1/notifications", tags=["history"])
_MAY_REFUSE = refuses({409: "It is not held: it has already been released or canceled."})


@router.get("/held", responses=returns_page(HeldOut), dependencies=[MayRead])
def list_held(runtime: Runtime) -> Response:
    """List notifications held for approval, oldest first (see `[guard]` in the configuration)."""
    return json_answer(page(runtime.container.history.held(), None))


@router.post("/{notification_id}/release", responses=returns(200, DecidedOut) | _MAY_REFUSE)
def release(runtime: Runtime, actor: Manager, notification_id: str) -> Response:
    """Publish a held update or edit and notify recipients on this channel, including those held before it.

    `state` is `superseded` if nobody is notified: a text edit, or an update replaced by a newer
    one.
    """
    return json_answer(runtime.container.release.release(notification_id, actor))


@router.post("/{notification_id}/cancel", responses=returns(200, DecidedOut) | _MAY_REFUSE)
def cancel(runtime: Runtime, actor: Manager, notification_id: str) -> Response:
    """Cancel: nobody is notified on this channel. Once canceled on every channel it is never shown."""
    return json_answer(runtime.container.release.cancel(notification_id, actor))
