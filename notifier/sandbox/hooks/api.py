"""`/hooks/{name}`: the URLs of partners' endpoints in the demo and the tests."""

from collections.abc import AsyncIterator, Mapping

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from notifier.sandbox.answers import SUCCESS
from notifier.sandbox.hooks.inbox import Behaviour, Hook, Inboxes, Received, notification_of
from notifier.sandbox.hooks.signature import verify
from notifier.sandbox.ledger import Ledger
from notifier.sandbox.live import Live

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]


class HooksApi:
    """Receives webhooks."""

    def __init__(self, live: Live, ledger: Ledger) -> None:
        self._live, self._ledger = live, ledger
        self.inboxes = Inboxes(live.config.record_limit)

    def routes(self) -> list[Route]:
        """Return the receivers' route."""
        return [Route("/hooks/{name}", self.receive, methods=_METHODS)]

    async def receive(self, request: Request) -> Response:
        """Store one webhook and respond according to the receiver's behaviour."""
        body = await request.body()
        hook = self.inboxes.hook(request.path_params["name"])
        received = self._note(hook, request, body)
        behaviour = hook.behaviour
        if behaviour.kind == "slow":
            await self._live.pause(behaviour.seconds)
        while behaviour.kind == "hang" and not self._live.closing.is_set() and not await request.is_disconnected():
            await self._live.pause(0.1)
        status = _status(behaviour, received)
        received.status = status
        if status in SUCCESS:
            payload = _json(body)
            hook.accept(received.webhook_id, payload)
            self._ledger.deliver("webhook", [received.webhook_id])
            self._ledger.notify("webhook", [notification_of(payload)], received.at)
        else:
            self._ledger.refuse("webhook", status)
        return self._answer(behaviour, status)

    def _answer(self, behaviour: Behaviour, status: int) -> Response:
        headers = {"location": behaviour.location} if behaviour.kind == "redirect" else {}
        if behaviour.retry_after is not None and status not in SUCCESS:
            headers["retry-after"] = behaviour.retry_after
        if behaviour.kind == "drip":
            return StreamingResponse(self._drip(behaviour.seconds), status, headers=headers, media_type="text/plain")
        return Response(b"", status, headers=headers)

    async def _drip(self, seconds: float) -> AsyncIterator[bytes]:
        """Send a body over `seconds`, byte by byte: a client without a deadline hangs on it."""
        for _ in range(max(int(seconds * 10), 1)):
            yield b"."
            await self._live.pause(0.1)

    def _note(self, hook: Hook, request: Request, body: bytes) -> Received:
        now = self._live.now()
        webhook_id = request.headers.get("webhook-id", "")
        why = verify(request.headers, body, hook.secrets, now=now) if hook.secrets else None
        hook.unverified += why is not None
        received = Received(
            name=hook.name,
            number=0,
            at=now,
            method=request.method,
            headers=list(request.headers.items()),
            body=body,
            webhook_id=webhook_id,
            attempt=hook.arrive(webhook_id),
            verified=why is None if hook.secrets else None,
            why=why,
        )
        self.inboxes.keep(received)
        return received


def _status(behaviour: Behaviour, received: Received) -> int:
    if received.verified is False:
        return 401
    if behaviour.kind == "fail_first":
        return behaviour.status if received.attempt <= behaviour.count else 200
    return {"status": behaviour.status, "gone": 410, "redirect": 307}.get(behaviour.kind, 200)


def _json(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def standard_refusal(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Return a receiver's response for a status."""
    return Response(b"", status, headers=headers)
