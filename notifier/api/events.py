"""`POST /v1/events`: hand in an incident event."""

import codecs

from fastapi import APIRouter, Request, Response

from notifier.api.auth import MayPublish
from notifier.api.contract import body_of, returns
from notifier.api.examples import EVENT
from notifier.api.runtime import Runtime
from notifier.api.shapes import ReceiptShape
from notifier.inbound.events import EventModel

router = APIRouter(prefix="/v1", tags=["events"], dependencies=[MayPublish])


@router.post("/events", status_code=202, responses=returns(202, ReceiptShape), openapi_extra=body_of(EventModel, EVENT))
async def publish(request: Request, runtime: Runtime) -> Response:
    """Take one event.

    It is stored before it is answered: an acknowledged event is never lost, also when Redis is down. Repeats are
    welcome: the same id, or the same content as the latest update, is answered `duplicate` and changes nothing. Any
    `Content-Type` will do. Answers of 503 ask for a repeat after `Retry-After` seconds.
    """
    body = await request.body()
    answer = await runtime.publishing(body.removeprefix(codecs.BOM_UTF8))
    return Response(answer, status_code=202, media_type="application/json")
