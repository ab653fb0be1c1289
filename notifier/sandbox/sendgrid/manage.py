"""SendGrid's other endpoints: batches, scheduled sends, suppressions, the event public key."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from notifier.sandbox.answers import empty_answer, json_answer
from notifier.sandbox.live import Live
from notifier.sandbox.sendgrid.addresses import is_address
from notifier.sandbox.sendgrid.api import Gate, Refused
from notifier.sandbox.sendgrid.errors import Problem, refusal
from notifier.sandbox.sendgrid.store import MailStore
from notifier.sandbox.sendgrid.suppression import LISTS

Handler = Callable[[Request], Awaitable[Response]]


class Management:
    """Authenticated endpoints that send nothing."""

    def __init__(self, live: Live, store: MailStore, gate: Gate, public_key: str) -> None:
        self._live, self._store, self._gate, self.public_key = live, store, gate, public_key

    def routes(self, prefix: str) -> list[Route]:
        """Return the routes below `prefix` (such as `/sendgrid/v3`)."""
        table: list[tuple[str, str, Handler]] = [
            ("POST", "/mail/batch", self.make_batch),
            ("GET", "/mail/batch/{batch_id}", self.show_batch),
            ("POST", "/user/scheduled_sends", self.schedule_change),
            ("GET", "/user/scheduled_sends", self.schedule_list),
            ("GET", "/user/scheduled_sends/{batch_id}", self.schedule_list),
            ("PATCH", "/user/scheduled_sends/{batch_id}", self.schedule_update),
            ("DELETE", "/user/scheduled_sends/{batch_id}", self.schedule_remove),
            ("GET", "/suppression/{name}", self.suppression_list),
            ("GET", "/suppression/{name}/{email}", self.suppression_one),
            ("DELETE", "/suppression/{name}/{email}", self.suppression_remove),
            ("POST", "/asm/suppressions/global", self.suppress_globally),
            ("DELETE", "/asm/suppressions/global/{email}", self.unsuppress_globally),
            ("GET", "/user/webhooks/event/settings/signed/{id}", self.signing_key),
        ]
        return [Route(prefix + path, self._guarded(handler), methods=[method]) for method, path, handler in table]

    def _guarded(self, handler: Handler) -> Handler:
        @wraps(handler)
        async def guarded(request: Request) -> Response:
            now = self._live.now()
            try:
                self._gate.check(request, now)
                answer = await handler(request)
            except Refused as refused:
                return refusal(refused.status, refused.problems, self._gate.headers(now))
            answer.headers.update(self._gate.headers(now))
            return answer

        return guarded

    async def make_batch(self, _: Request) -> Response:
        """Handle `POST /mail/batch`."""
        return json_answer(201, {"batch_id": self._store.schedule.new_batch(self._live.now())})

    async def show_batch(self, request: Request) -> Response:
        """Handle `GET /mail/batch/{batch_id}`."""
        return json_answer(200, {"batch_id": self._known_batch(request.path_params["batch_id"])})

    async def schedule_change(self, request: Request) -> Response:
        """Handle `POST /user/scheduled_sends`: the first cancel or pause of a batch."""
        body = await _object(request)
        batch_id = self._known_batch(body.get("batch_id"))
        changes = self._store.schedule.changes
        if batch_id in changes:
            raise Refused(400, [Problem("a status has already been set for this batch id", "batch_id")])
        if len(changes) >= self._live.config.sendgrid.max_scheduled_sends:
            raise Refused(400, [Problem("the maximum number of scheduled sends has been reached")])
        self._set_status(batch_id, body.get("status"))
        return json_answer(201, {"batch_id": batch_id, "status": body["status"]})

    async def schedule_list(self, request: Request) -> Response:
        """Handle `GET /user/scheduled_sends[/{batch_id}]`."""
        wanted = request.path_params.get("batch_id")
        changes = self._store.schedule.changes.items()
        found = [{"batch_id": key, "status": change.status} for key, change in changes if wanted in (None, key)]
        return json_answer(200, found)

    async def schedule_update(self, request: Request) -> Response:
        """Handle `PATCH /user/scheduled_sends/{batch_id}`."""
        batch_id = request.path_params["batch_id"]
        if batch_id not in self._store.schedule.changes:
            raise Refused(404)
        self._set_status(batch_id, (await _object(request)).get("status"))
        return empty_answer(204)

    async def schedule_remove(self, request: Request) -> Response:
        """Handle `DELETE /user/scheduled_sends/{batch_id}`."""
        if self._store.schedule.changes.pop(request.path_params["batch_id"], None) is None:
            raise Refused(404)
        return empty_answer(204)

    async def suppression_list(self, request: Request) -> Response:
        """Handle `GET /suppression/{list}?start_time=&end_time=&limit=&offset=`."""
        numbers = {key: _number(request, key, preset) for key, preset in _PAGE.items()}
        entries = self._store.suppressions.entries(
            _list_name(request),
            start=numbers["start_time"],
            end=numbers["end_time"],
            limit=min(numbers["limit"], 500),
            offset=numbers["offset"],
        )
        return json_answer(200, entries)

    async def suppression_one(self, request: Request) -> Response:
        """Handle `GET /suppression/{list}/{email}`."""
        entry = self._store.suppressions.lists[_list_name(request)].get(request.path_params["email"].lower())
        return json_answer(200, [entry] if entry else [])

    async def suppression_remove(self, request: Request) -> Response:
        """Handle `DELETE /suppression/{list}/{email}`."""
        if not self._store.suppressions.remove(_list_name(request), request.path_params["email"]):
            raise Refused(404)
        return empty_answer(204)

    async def suppress_globally(self, request: Request) -> Response:
        """Handle `POST /asm/suppressions/global`."""
        emails = (await _object(request)).get("recipient_emails")
        if not isinstance(emails, list) or not all(is_address(email) for email in emails):
            raise Refused(400, [Problem("recipient_emails must be an array of email addresses", "recipient_emails")])
        for email in emails:
            self._store.suppressions.add("unsubscribes", email, created=self._live.now())
        return json_answer(201, {"recipient_emails": emails})

    async def unsuppress_globally(self, request: Request) -> Response:
        """Handle `DELETE /asm/suppressions/global/{email}`."""
        self._store.suppressions.remove("unsubscribes", request.path_params["email"])
        return empty_answer(204)

    async def signing_key(self, request: Request) -> Response:
        """Handle `GET /user/webhooks/event/settings/signed/{id}`."""
        return json_answer(200, {"id": request.path_params["id"], "public_key": self.public_key})

    def _known_batch(self, batch_id: object) -> str:
        if not isinstance(batch_id, str) or not self._store.schedule.knows(batch_id, self._live.now()):
            raise Refused(400, [Problem("invalid batch id", "batch_id")])
        return batch_id

    def _set_status(self, batch_id: str, status: object) -> None:
        if status not in ("cancel", "pause"):
            raise Refused(400, [Problem("status must be cancel or pause", "status")])
        self._store.schedule.change(batch_id, status, self._live.now())


_PAGE = {"start_time": 0, "end_time": 2**53, "limit": 500, "offset": 0}


def _number(request: Request, key: str, preset: int) -> int:
    value = request.query_params.get(key, str(preset))
    if not value.isdecimal():
        raise Refused(400, [Problem(f"{key} must be a number", key)])
    return int(value)


def _list_name(request: Request) -> str:
    name: str = request.path_params["name"]
    if name not in LISTS:
        raise Refused(404)
    return name


async def _object(request: Request) -> dict[str, Any]:
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        raise Refused(400) from None
    if not isinstance(body, dict):
        raise Refused(400)
    return body
