"""`POST /v1/events`: publish an incident event."""

import codecs

from fastapi import APIRouter, Request, Response

from notifier.api.auth import actor_of, admit
from notifier.api.openapi.examples import EVENT
from notifier.api.openapi.models import ReceiptOut
from notifier.api.openapi.route_docs import body_of, refuses, returns
from notifier.api.runtime import runtime_of
from notifier.inbound.events import EventModel
from notifier.services.security.api_keys import KeyScope

router = APIRouter(prefix="/v1", tags=["events"])
_EXTRA = {**body_of(EventModel, EVENT), "security": [{"bearer": []}]}

_RESPONSES = returns(202, ReceiptOut) | refuses(
    {409: "The incident has a later update than `after`: `newest` names it (`id`, `status`, `posted_at`, `author`)."}
)


@router.post("/events", status_code=202, responses=_RESPONSES, openapi_extra=_EXTRA)
async def publish(request: Request) -> Response:
    """Publish an event.

    The event is stored before the response is sent: an acknowledged event is never lost, even when Redis is down.
    Retries are safe: an event with the same id, or the same content as the latest update, returns `duplicate` and
    changes nothing. With `after`, an event whose author missed a colleague's update is refused. Any `Content-Type` is
    accepted. `recipients` is the number of recipients; `held` means that it needs approval. After a 503, retry after
    `Retry-After` seconds.

    Bodies are Markdown. HTML comments in them are stored, and left out of whatever leaves or is public; `<br>` breaks
    the line, of other HTML tags the text stays.
    """
    caller = await admit(request, KeyScope.PUBLISH)
    body = await request.body()
    event, guarded = body.removeprefix(codecs.BOM_UTF8), KeyScope.ANNOUNCE not in caller.scopes
    actor = actor_of(request, caller)
    answer = await runtime_of(request).event_intake.take(event, actor, who=caller.id, guarded=guarded)
    return Response(answer, status_code=202, media_type="application/json")
