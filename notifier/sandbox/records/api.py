"""`/sandbox/api`: received messages as JSON."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from notifier.sandbox.answers import json_answer
from notifier.sandbox.records.mails import mail_row, mail_whole
from notifier.sandbox.records.moments import moment
from notifier.sandbox.records.posts import posts_of
from notifier.sandbox.records.summary import summary_of
from notifier.sandbox.records.webhooks import hook_rows, received_row
from notifier.sandbox.sandbox import Sandbox
from notifier.sandbox.sendgrid.expand import mime

_CHUNK = 2_000


class RecordsApi:
    """Read access to one sandbox's records, and a call to clear them."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def routes(self) -> list[Route]:
        """Return the routes."""
        prefix = "/sandbox/api"
        return [
            Route(f"{prefix}/summary", self.summary),
            Route(f"{prefix}/mails", self.mails),
            Route(f"{prefix}/mails/{{id}}.eml", self.mail_source),
            Route(f"{prefix}/mails/{{id}}", self.mail),
            Route(f"{prefix}/posts", self.posts),
            Route(f"{prefix}/hooks", self.hooks),
            Route(f"{prefix}/deliveries", self.deliveries),
            Route(f"{prefix}/notifications", self.notifications),
            Route(f"{prefix}/refusals", self.refusals),
            Route(f"{prefix}/events", self.events),
            Route(f"{prefix}/records", self.forget, methods=["DELETE"]),
        ]

    async def summary(self, _: Request) -> Response:
        """Return counts of everything."""
        self._sandbox.mail.release(self._sandbox.live.now())
        return json_answer(200, summary_of(self._sandbox))

    async def mails(self, request: Request) -> Response:
        """List mails, newest first: `?limit=&offset=&address=&locale=`."""
        self._sandbox.mail.release(self._sandbox.live.now())
        limit, offset = _whole(request, "limit", 50, most=1_000), _whole(request, "offset", 0)
        found = self._sandbox.mail.newest(
            address=request.query_params.get("address", ""), locale=request.query_params.get("locale", "")
        )
        rows: list[dict[str, Any]] = []
        for position, (record, index) in enumerate(found):
            if position >= offset + limit:
                break
            if position >= offset:
                rows.append(mail_row(record, self._sandbox.mail.expand(record, index)))
        return json_answer(200, {"items": rows})

    async def mail(self, request: Request) -> Response:
        """Return one mail as its recipient gets it."""
        found = self._sandbox.mail.find(request.path_params["id"])
        return json_answer(200, mail_whole(*found)) if found else _unknown("mail")

    async def mail_source(self, request: Request) -> Response:
        """Return one mail as MIME."""
        found = self._sandbox.mail.find(request.path_params["id"])
        if found is None:
            return _unknown("mail")
        record, mail = found
        return Response(mime(mail, received_at=record.received_at).as_bytes(), media_type="message/rfc822")

    async def posts(self, request: Request) -> Response:
        """List posts of all accounts, oldest first: `?account=&platform=`."""
        posts = posts_of(self._sandbox)
        for name in ("account", "platform"):
            if wanted := request.query_params.get(name):
                posts = [post for post in posts if post[name] == wanted]
        return json_answer(200, {"items": posts})

    async def hooks(self, request: Request) -> Response:
        """List receivers and their newest requests: `?name=&limit=`."""
        name, limit = request.query_params.get("name"), _whole(request, "limit", 100, most=10_000)
        log = [one for one in reversed(self._sandbox.hooks.inboxes.log) if name in (None, one.name)]
        rows = [received_row(one) for one in log[:limit]]
        return json_answer(200, {"hooks": hook_rows(self._sandbox.hooks.inboxes, name), "items": rows})

    async def deliveries(self, _: Request) -> Response:
        """Stream delivery ids, one JSON object per line: `{"channel", "delivery_id", "count"}`."""
        return StreamingResponse(self._delivery_lines(), media_type="application/x-ndjson")

    async def notifications(self, _: Request) -> Response:
        """Return the times of the first and last delivery of each notification."""
        rows = [
            {
                "channel": channel,
                "notification_id": notification_id,
                "first_at": moment(found.first_at),
                "last_at": moment(found.last_at),
                "count": found.count,
            }
            for channel, all_found in self._sandbox.ledger.notifications.items()
            for notification_id, found in all_found.items()
        ]
        return json_answer(200, {"items": rows})

    async def refusals(self, _: Request) -> Response:
        """List the newest refused mail requests with their errors."""
        rows = [refusal | {"at": moment(refusal["at"])} for refusal in reversed(self._sandbox.mail.refusals)]
        return json_answer(200, {"items": rows})

    async def events(self, _: Request) -> Response:
        """Return the state of the event webhook and the newest posts to it."""
        poster = self._sandbox.poster
        log = [entry | {"at": moment(entry["at"])} for entry in reversed(poster.log)]
        counts = {
            "made": poster.made,
            "posted": poster.posted,
            "refused_posts": poster.refused,
            "pending": poster.pending,
        }
        return json_answer(200, counts | {"items": log})

    async def forget(self, _: Request) -> Response:
        """Drop everything received."""
        self._sandbox.forget()
        return Response(status_code=204)

    async def _delivery_lines(self) -> AsyncIterator[bytes]:
        lines: list[bytes] = []
        for channel, delivery_id, number in self._sandbox.ledger.lines():
            lines.append(orjson.dumps({"channel": channel, "delivery_id": delivery_id, "count": number}))
            if len(lines) == _CHUNK:
                yield b"\n".join(lines) + b"\n"
                lines.clear()
        if lines:
            yield b"\n".join(lines) + b"\n"


def _whole(request: Request, name: str, preset: int, *, most: int = 2**31) -> int:
    value = request.query_params.get(name, "")
    return min(int(value), most) if value.isdecimal() else preset


def _unknown(what: str) -> Response:
    return json_answer(404, {"error": f"no such {what}; the oldest are dropped when memory is full"})
