"""Bluesky's endpoints below `/xrpc`."""

from collections.abc import Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from notifier.sandbox.answers import json_answer
from notifier.sandbox.bluesky.cid import cid_of_blob
from notifier.sandbox.bluesky.errors import Refused
from notifier.sandbox.bluesky.lexicon import POST, faults_of, images_of, reference
from notifier.sandbox.bluesky.rates import CREATE, DELETE, UPDATE, take_points, take_request
from notifier.sandbox.bluesky.repo import Place, Record, Repo
from notifier.sandbox.bluesky.sessions import Sessions
from notifier.sandbox.bluesky.tid import is_tid, make_tid
from notifier.sandbox.ledger import Ledger
from notifier.sandbox.limits import Window
from notifier.sandbox.live import Live
from notifier.sandbox.pictures import Pictures

Handler = Callable[[Request, bytes, float], Response]

MAX_JSON = 1_000_000
MAX_BLOB = 1_000_000  # of an image in a post


class BlueskyApi:
    """The server and its accounts."""

    def __init__(self, live: Live, ledger: Ledger, pictures: Pictures) -> None:
        self._live, self._ledger, self._pictures = live, ledger, pictures
        self._windows: dict[str, Window] = {}
        self.sessions = Sessions(live)

    def routes(self, prefix: str) -> list[Route]:
        """Return the routes below `prefix` (such as `/bluesky/xrpc`)."""
        table: list[tuple[str, str, Handler]] = [
            ("POST", "com.atproto.server.createSession", lambda _, body, now: self.sessions.create(_object(body), now)),
            ("POST", "com.atproto.server.refreshSession", lambda request, _, now: self.sessions.refresh(request, now)),
            ("POST", "com.atproto.server.deleteSession", lambda request, _, now: self.sessions.end(request, now)),
            ("GET", "com.atproto.server.getSession", lambda request, _, now: self.sessions.show(request, now)),
            ("POST", "com.atproto.repo.createRecord", self.create),
            ("POST", "com.atproto.repo.putRecord", self.put),
            ("POST", "com.atproto.repo.deleteRecord", self.delete),
            ("GET", "com.atproto.repo.getRecord", self.get),
            ("POST", "com.atproto.repo.uploadBlob", self.upload),
            ("GET", "app.bsky.actor.getProfile", self.profile),
        ]
        return [Route(f"{prefix}/{name}", self._guarded(handler), methods=[method]) for method, name, handler in table]

    def forget(self) -> None:
        """Drop all records; sessions stay."""
        for repo in self.sessions.repos.values():
            repo.forget()

    def _guarded(self, handler: Handler) -> Callable[[Request], Any]:
        async def guarded(request: Request) -> Response:
            now = self._live.now()
            headers: dict[str, str] = {}
            try:
                headers = take_request(self._windows, self._live.config.bluesky, now)
                body = await request.body()
                _check_size(request, body)
                answer = handler(request, body, now)
            except Refused as refused:
                self._ledger.refuse("bluesky", refused.status)
                content = {"error": refused.name, "message": refused.message}
                return json_answer(refused.status, content, headers | refused.headers)
            for name, value in headers.items():
                answer.headers.setdefault(name, value)  # the account's own window takes precedence
            return answer

        return guarded

    def create(self, request: Request, body: bytes, now: float) -> Response:
        """Handle `createRecord`."""
        repo, wanted = self._write(request, body, now)
        wanted.setdefault("rkey", make_tid(int(now * 1_000_000), repo.commits % 1024))
        place, value, status = self._checked(wanted)
        headers = take_points(repo.windows, CREATE, self._live.config.bluesky, now)
        if place in repo.records:
            raise Refused(500, headers=headers)  # the reference server fails instead of refusing
        repo.check_swap(place, {"swapCommit": wanted.get("swapCommit")})
        record, _ = repo.put(place, value, now)
        return self._written(repo, record, status, headers, changed=True)

    def put(self, request: Request, body: bytes, now: float) -> Response:
        """Handle `putRecord`."""
        repo, wanted = self._write(request, body, now)
        place, value, status = self._checked(wanted)
        headers = take_points(repo.windows, UPDATE, self._live.config.bluesky, now)
        repo.check_swap(place, wanted)
        record, changed = repo.put(place, value, now)
        return self._written(repo, record, status, headers, changed=changed)

    def delete(self, request: Request, body: bytes, now: float) -> Response:
        """Handle `deleteRecord`."""
        repo, wanted = self._write(request, body, now)
        place = (_text(wanted, "collection"), _text(wanted, "rkey"))
        headers = take_points(repo.windows, DELETE, self._live.config.bluesky, now)
        repo.check_swap(place, wanted)
        deleted = repo.delete(place, now)
        return json_answer(200, {"commit": repo.head} if deleted else {}, headers)

    def get(self, request: Request, _: bytes, __: float) -> Response:
        """Handle `getRecord`."""
        query = request.query_params
        place = (query.get("collection", ""), query.get("rkey", ""))
        repo = self.sessions.find(query.get("repo", ""))
        record = repo.records.get(place) if repo else None
        if repo is None or record is None or query.get("cid", record.cid) != record.cid:
            uri = f"at://{query.get('repo', '')}/{place[0]}/{place[1]}"
            raise Refused(400, "RecordNotFound", f"Could not locate record: {uri}")
        return json_answer(200, {"uri": repo.uri(place), "cid": record.cid, "value": record.value})

    def upload(self, request: Request, body: bytes, now: float) -> Response:
        """Handle `uploadBlob`."""
        self.sessions.caller(request, now)
        if len(body) > MAX_BLOB:
            raise Refused(413)
        kind = request.headers.get("content-type", "application/octet-stream")
        self._pictures.keep(cid_of_blob(body), kind, body)
        blob = {"$type": "blob", "ref": {"$link": cid_of_blob(body)}, "mimeType": kind, "size": len(body)}
        return json_answer(200, {"blob": blob})

    def profile(self, request: Request, _: bytes, now: float) -> Response:
        """Handle `getProfile`."""
        self.sessions.caller(request, now)
        repo = self.sessions.find(request.query_params.get("actor", ""))
        if repo is None:
            raise Refused(400, "InvalidRequest", "Profile not found")
        posts = sum(place[0] == POST for place in repo.records)
        account = repo.account
        return json_answer(200, {"did": account.did, "handle": account.handle, "postsCount": posts})

    def _write(self, request: Request, body: bytes, now: float) -> tuple[Repo, dict[str, Any]]:
        repo = self.sessions.caller(request, now)
        wanted = _object(body)
        if wanted.get("repo") not in (repo.account.did, repo.account.handle):
            raise Refused(401)
        return repo, wanted

    def _checked(self, wanted: dict[str, Any]) -> tuple[Place, dict[str, Any], str | None]:
        """Validate a record to be written; return its place, value and validation status."""
        collection, key, value = _text(wanted, "collection"), _text(wanted, "rkey"), wanted.get("record")
        if not isinstance(value, dict):
            raise Refused(400, "InvalidRequest", 'Input must have the property "record"')
        value.setdefault("$type", collection)
        if value["$type"] != collection:
            raise Refused(400, "InvalidRequest", f"Invalid $type: expected {collection}, got {value['$type']}")
        if wanted.get("validate") is False:
            return (collection, key), value, None
        if collection != POST:
            if wanted.get("validate") is True:
                raise Refused(400, "InvalidRequest", f"Lexicon not found: lex:{collection}")
            return (collection, key), value, "unknown"
        if not is_tid(key):
            raise Refused(400, "InvalidRequest", f"Invalid record key for {POST}: {key}")
        fault = next(faults_of(value), None) or self._fault_in_reply(value.get("reply"))
        if fault is not None:
            raise Refused(400, "InvalidRequest", f"Invalid {POST} record: {fault}")
        missing = next((cid for cid, _ in images_of(value) if self._pictures.find(cid) is None), None)
        if missing is not None:
            raise Refused(400, "BlobNotFound", f"Could not find blob: {missing}")
        return (collection, key), value, "valid"

    def _fault_in_reply(self, reply: dict[str, Any] | None) -> str | None:
        """Return the error if a reference to a local record has the wrong cid."""
        for name, target in (reply or {}).items():
            if name not in ("root", "parent"):
                continue
            repo_name, collection, key = reference(target["uri"]) or ("", "", "")
            repo = self.sessions.find(repo_name)
            record = repo.records.get((collection, key)) if repo else None
            if record is not None and record.cid != target["cid"]:
                return f"Record/reply/{name}/cid does not match the record"
        return None

    def _written(
        self, repo: Repo, record: Record, status: str | None, headers: dict[str, str], *, changed: bool
    ) -> Response:
        answer: dict[str, Any] = {"uri": repo.uri(record.place), "cid": record.cid}
        if changed:
            answer["commit"] = repo.head
            if record.place[0] == POST:
                self._ledger.deliver("bluesky", [repo.uri(record.place)])
        return json_answer(200, answer | ({"validationStatus": status} if status else {}), headers)


def _check_size(request: Request, body: bytes) -> None:
    if request.headers.get("content-type", "").startswith("application/json") and len(body) > MAX_JSON:
        raise Refused(413)


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refused(400, "InvalidRequest", "Request body is not valid JSON") from None
    if not isinstance(value, dict):
        raise Refused(400, "InvalidRequest", "Input must be an object")
    return value


def _text(wanted: dict[str, Any], name: str) -> str:
    value = wanted.get(name)
    if not isinstance(value, str) or not value:
        raise Refused(400, "InvalidRequest", f'Input must have the property "{name}"')
    return value
