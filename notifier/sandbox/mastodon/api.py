"""Mastodon's endpoints: statuses, the caller's account, the instance, media."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from notifier.sandbox.answers import json_answer
from notifier.sandbox.credentials import MastodonAccount, mastodon_account_of
from notifier.sandbox.ledger import Ledger
from notifier.sandbox.limits import Window
from notifier.sandbox.live import Live
from notifier.sandbox.mastodon.account import Account, Status, iso, new_id
from notifier.sandbox.mastodon.errors import Refused
from notifier.sandbox.mastodon.instance import instance_v1, instance_v2
from notifier.sandbox.mastodon.parameters import Wanted, parse, read
from notifier.sandbox.pictures import Pictures

Handler = Callable[[Request, Account, float], Awaitable[Response]]

_FIVE_MINUTES = 300.0
_HALF_HOUR = 1_800.0
_PER_HALF_HOUR = 30  # deletions, and uploads
_PAGE, _MAX_PAGE = 20, 40


class MastodonApi:
    """The instance and its accounts."""

    def __init__(self, live: Live, ledger: Ledger, pictures: Pictures) -> None:
        self._live, self._ledger, self._pictures = live, ledger, pictures
        self.accounts: dict[str, Account] = {}
        self._media: set[str] = set()

    def routes(self, prefix: str) -> list[Route]:
        """Return the routes below `prefix` (such as `/mastodon`)."""
        own: list[tuple[str, str, Handler]] = [
            ("POST", "/api/v1/statuses", self.create),
            ("PUT", "/api/v1/statuses/{id}", self.edit),
            ("DELETE", "/api/v1/statuses/{id}", self.delete),
            ("GET", "/api/v1/statuses/{id}", self.show),
            ("GET", "/api/v1/accounts/verify_credentials", self.myself),
            ("GET", "/api/v1/accounts/{id}/statuses", self.timeline),
            ("POST", "/api/v2/media", self.upload),
            ("POST", "/api/v1/media", self.upload),
        ]
        routes = [Route(prefix + path, self._guarded(handler), methods=[method]) for method, path, handler in own]
        for tail in ("", "/"):
            routes.append(Route(f"{prefix}/api/v2/instance{tail}", self.instance_v2))
            routes.append(Route(f"{prefix}/api/v1/instance{tail}", self.instance_v1))
        return routes

    def forget(self) -> None:
        """Drop all statuses and idempotency keys."""
        for account in self.accounts.values():
            account.forget()

    def _guarded(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            now = self._live.now()
            headers: dict[str, str] = {}
            try:
                account = self._caller(request)
                account.publish_due(now)
                headers = self._take(
                    account, "all", self._live.config.mastodon.requests_per_5_minutes, _FIVE_MINUTES, now
                )
                answer = await handler(request, account, now)
            except Refused as refused:
                self._ledger.refuse("mastodon", refused.status)
                return json_answer(refused.status, {"error": refused.message}, headers | refused.headers)
            for name, value in headers.items():
                answer.headers.setdefault(name, value)  # the call's own window takes precedence
            return answer

        return guarded

    async def create(self, request: Request, account: Account, now: float) -> Response:
        """Handle `POST /api/v1/statuses`."""
        key = request.headers.get("idempotency-key", "")
        parameters = await read(request)
        if (earlier := self._earlier(account, key, now)) is not None:
            account.repeats += 1
            return json_answer(200, account.view_status(earlier, _base(request)))
        wanted = parse(parameters, limit=self._live.config.mastodon.max_characters, now=now)
        status = self._status(wanted, now)
        if wanted.scheduled_at is not None:
            account.scheduled.append((wanted.scheduled_at, status))
            shown = {"id": status.id, "scheduled_at": iso(wanted.scheduled_at), "params": {"text": wanted.text}}
            return json_answer(200, shown | {"media_attachments": []})
        account.statuses[status.id] = status
        if key:
            account.keys[key] = (status.id, now)
        self._ledger.deliver("mastodon", [key or status.id])
        return json_answer(200, account.view_status(status, _base(request)))

    async def edit(self, request: Request, account: Account, now: float) -> Response:
        """Handle `PUT /api/v1/statuses/{id}`."""
        status = _status_of(account, request.path_params["id"])
        wanted = parse(await read(request), limit=self._live.config.mastodon.max_characters, now=now)
        if not self._media.issuperset(wanted.media_ids):
            raise Refused(422, "Validation failed: Media attachments not found")
        status.text, status.spoiler, status.edited_at = wanted.text, wanted.spoiler, now
        status.media_ids = list(wanted.media_ids)  # an edit removes those that it does not list
        status.language = wanted.language or status.language
        return json_answer(200, account.view_status(status, _base(request)))

    async def delete(self, request: Request, account: Account, now: float) -> Response:
        """Handle `DELETE /api/v1/statuses/{id}`."""
        headers = self._take(account, "delete", _PER_HALF_HOUR, _HALF_HOUR, now)
        status = _status_of(account, request.path_params["id"])
        status.deleted_at = now
        return json_answer(200, account.view_status(status, _base(request)) | {"text": status.text}, headers)

    async def show(self, request: Request, account: Account, _: float) -> Response:
        """Handle `GET /api/v1/statuses/{id}`."""
        status = _status_of(account, request.path_params["id"])
        return json_answer(200, account.view_status(status, _base(request)))

    async def myself(self, request: Request, account: Account, _: float) -> Response:
        """Handle `GET /api/v1/accounts/verify_credentials`."""
        source = {"privacy": "public", "sensitive": False, "language": None, "note": "", "fields": []}
        return json_answer(200, account.view(_base(request)) | {"source": source})

    async def timeline(self, request: Request, _: Account, now: float) -> Response:
        """Handle `GET /api/v1/accounts/{id}/statuses`."""
        wanted = request.path_params["id"]
        owner = next((one for one in self.accounts.values() if one.credentials.id == wanted), None)
        if owner is None:
            raise Refused(404)
        owner.publish_due(now)
        query = request.query_params
        limit = int(query["limit"]) if query.get("limit", "").isdecimal() else _PAGE
        shown = [status for status in owner.statuses.values() if status.deleted_at is None]
        for name, keep in (("since_id", int.__gt__), ("min_id", int.__gt__), ("max_id", int.__lt__)):
            if query.get(name, "").isdecimal():
                shown = [status for status in shown if keep(int(status.id), int(query[name]))]
        if query.get("exclude_replies", "").lower() in ("true", "1"):
            shown = [status for status in shown if status.reply_to is None]
        page = shown[::-1][: min(limit, _MAX_PAGE)]
        return json_answer(200, [owner.view_status(status, _base(request)) for status in page])

    async def upload(self, request: Request, account: Account, now: float) -> Response:
        """Handle `POST /api/v2/media`."""
        headers = self._take(account, "media", _PER_HALF_HOUR, _HALF_HOUR, now)
        async with request.form() as form:
            file, description = form.get("file"), form.get("description")
            if not isinstance(file, UploadFile):
                raise Refused(422, "Validation failed: File can't be blank")
            data, kind = await file.read(), file.content_type or ""
        media_id = new_id(now)
        self._media.add(media_id)
        self._pictures.keep(media_id, kind, data, str(description or ""))
        url = f"{_base(request)}/media/{media_id}"
        shown: dict[str, object] = {
            "id": media_id,
            "type": "image",
            "url": url,
            "preview_url": url,
            "meta": {},
            "description": description,
        }
        return json_answer(200, shown, headers)

    async def instance_v2(self, request: Request) -> Response:
        """Handle `GET /api/v2/instance`."""
        return json_answer(200, instance_v2(self._live.config.mastodon, request.url.netloc))

    async def instance_v1(self, request: Request) -> Response:
        """Handle `GET /api/v1/instance`."""
        return json_answer(200, instance_v1(self._live.config.mastodon, request.url.netloc))

    def _status(self, wanted: Wanted, now: float) -> Status:
        if not self._media.issuperset(wanted.media_ids):
            raise Refused(422, "Validation failed: Media attachments not found")
        return Status(
            id=new_id(now),
            text=wanted.text,
            spoiler=wanted.spoiler,
            visibility=wanted.visibility,
            language=wanted.language,
            sensitive=wanted.sensitive,
            reply_to=self._parent(wanted.reply_to),
            media_ids=list(wanted.media_ids),
            created_at=now,
        )

    def _parent(self, status_id: str | None) -> Status | None:
        for account in self.accounts.values():
            if status_id in account.statuses:
                return _status_of(account, status_id)
        if status_id is not None:
            raise Refused(404)
        return None

    def _earlier(self, account: Account, key: str, now: float) -> Status | None:
        status_id, at = account.keys.get(key, ("", 0.0))
        status = account.statuses.get(status_id)
        if not key or status is None or now - at >= self._live.config.mastodon.idempotency_seconds:
            return None
        return status if status.deleted_at is None else None

    def _caller(self, request: Request) -> Account:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Refused(401, "This method requires an authenticated user")
        credentials = self._credentials(token)
        if credentials is None:
            raise Refused(401)
        return self.accounts.setdefault(credentials.name, Account(credentials))

    def _credentials(self, token: str) -> MastodonAccount | None:
        config = self._live.config
        listed = next((account for account in config.mastodon_accounts if account.access_token == token), None)
        return listed or (mastodon_account_of(token) if config.open_accounts else None)

    def _take(self, account: Account, name: str, limit: int, seconds: float, now: float) -> dict[str, str]:
        window = account.windows.setdefault(name, Window(limit, seconds))
        window.limit = limit
        taken = window.take(now)
        headers = {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(window.remaining),
            "X-RateLimit-Reset": datetime.fromtimestamp(window.reset, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }
        if not taken:
            raise Refused(429, headers=headers)
        return headers


def _status_of(account: Account, status_id: str) -> Status:
    status = account.statuses.get(status_id)
    if status is None or status.deleted_at is not None:
        raise Refused(404)
    return status


def _base(request: Request) -> str:
    prefix = "/mastodon" if request.url.path.startswith("/mastodon/") else ""
    return f"{request.url.scheme}://{request.url.netloc}{prefix}"
