"""Held notifications: a person releases them or calls them off."""

from fastapi import APIRouter, Response

from notifier.api.auth import Manager, MayRead
from notifier.api.http.paging import page
from notifier.api.http.responses import json_answer
from notifier.api.openapi.history_models import DecidedShape, HeldShape
from notifier.api.openapi.route_docs import refuses, returns, returns_page
from notifier.api.runtime import Runtime

router = APIRouter(prefix="/v1/notifications", tags=["history"])
_MAY_REFUSE = refuses({409: "It is not held: somebody has decided already."})


@router.get("/held", responses=returns_page(HeldShape), dependencies=[MayRead])
def list_held(runtime: Runtime) -> Response:
    """List what waits for a person, oldest first (`[guard]` in the configuration says what does)."""
    return json_answer(page(runtime.application.history.held(), None))


@router.post("/{notification_id}/release", responses=returns(200, DecidedShape) | _MAY_REFUSE)
def release(runtime: Runtime, actor: Manager, notification_id: str) -> Response:
    """Show an update, or an edit, and tell it on this channel; what was held before it on the channel goes along.

    The answer's `state` is `superseded` where nothing is told: an edit of words, or news that was overtaken since.
    """
    return json_answer(runtime.application.release.release(notification_id, actor))


@router.post("/{notification_id}/cancel", responses=returns(200, DecidedShape) | _MAY_REFUSE)
def cancel(runtime: Runtime, actor: Manager, notification_id: str) -> Response:
    """Call it off: it is told to nobody on this channel, and never shown once it is called off on every channel."""
    return json_answer(runtime.application.release.cancel(notification_id, actor))
