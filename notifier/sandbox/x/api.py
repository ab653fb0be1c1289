"""X's endpoints: create and delete posts, the caller's user and timeline, media."""

import re
from collections.abc import Awaitable, Callable

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from notifier.sandbox.answers import json_answer
from notifier.sandbox.credentials import XAccount
from notifier.sandbox.ledger import Ledger
from notifier.sandbox.live import Live
from notifier.sandbox.pictures import Pictures
from notifier.sandbox.x import errors
from notifier.sandbox.x.body import BadBodyError, NewPost, parse_post, read_description
from notifier.sandbox.x.callers import Callers
from notifier.sandbox.x.errors import Refused
from notifier.sandbox.x.media import MediaShelf
from notifier.sandbox.x.rates import take, take_post
from notifier.sandbox.x.reading import parse_reading
from notifier.sandbox.x.timeline import Post, Timeline
from notifier.sandbox.x.weight import LIMIT, is_postable, weigh

Handler = Callable[[Request, Timeline, float], Awaitable[Response]]

_CASHTAG = re.compile(r"(?<![\w$])\$[A-Za-z]{1,6}(?:[._][A-Za-z]{1,2})?(?!\w)")
_LARGEST_PART = 6 * 1024 * 1024


class XApi:
    """The accounts and their posts."""

    def __init__(self, live: Live, ledger: Ledger, pictures: Pictures) -> None:
        self._live, self._ledger, self._pictures = live, ledger, pictures
        self._callers = Callers(live)
        self.timelines: dict[str, Timeline] = {}
        self.media = MediaShelf(pictures)

    def routes(self, prefix: str) -> list[Route]:
        """Return the routes below `prefix` (such as `/x/2`)."""
        table: list[tuple[str, str, Handler]] = [
            ("POST", "/tweets", self.create),
            ("DELETE", "/tweets/{id}", self.delete),
            ("GET", "/users/me", self.me),
            ("GET", "/users/{id}/tweets", self.timeline),
            ("POST", "/media/upload", self.upload),
            ("POST", "/media/metadata", self.describe),
        ]
        return [Route(prefix + path, self._guarded(handler), methods=[method]) for method, path, handler in table]

    def forget(self) -> None:
        """Drop all posts; rates and nonces stay."""
        for timeline in self.timelines.values():
            timeline.forget()

    def _guarded(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            now = self._live.now()
            try:
                account = self._callers.account(request, now)
                timeline = self.timelines.setdefault(account.name, Timeline(account))
                return await handler(request, timeline, now)
            except Refused as refused:
                self._ledger.refuse("x", refused.status)
                return json_answer(refused.status, refused.body, refused.headers)

        return guarded

    async def create(self, request: Request, timeline: Timeline, now: float) -> Response:
        """Handle `POST /2/tweets`."""
        headers = take_post(timeline, self._live.config.x, now)
        try:
            wanted = parse_post(_json(await request.body()))
        except BadBodyError as bad:
            raise Refused(400, errors.invalid(bad.message, bad.parameters), headers) from None
        self._check_text(wanted.text, timeline, now, headers)
        parent = self._parent(wanted.reply_to, timeline, headers)
        self._check_attached(wanted, headers)
        post = timeline.add(wanted.text, now, reply_to=parent, quotes=wanted.quotes, media_ids=list(wanted.media_ids))
        self._ledger.deliver("x", [post.id])
        return json_answer(201, {"data": post.view(frozenset())}, headers)

    async def delete(self, request: Request, timeline: Timeline, now: float) -> Response:
        """Handle `DELETE /2/tweets/{id}`."""
        headers = take(timeline, "delete", 50, now)
        post = self._find(request.path_params["id"])
        if post is None:
            raise Refused(404, errors.not_found("tweet", request.path_params["id"]), headers)
        if post.account.id != timeline.account.id:
            raise Refused(403, errors.problem(403, "You are not permitted to perform this action."), headers)
        post.deleted_at = now
        return json_answer(200, {"data": {"deleted": True}}, headers)

    async def me(self, _: Request, timeline: Timeline, now: float) -> Response:
        """Handle `GET /2/users/me`."""
        headers = take(timeline, "me", 75, now)
        account = timeline.account
        return json_answer(
            200, {"data": {"id": account.id, "name": account.name, "username": handle(account)}}, headers
        )

    async def timeline(self, request: Request, timeline: Timeline, now: float) -> Response:
        """Handle `GET /2/users/{id}/tweets`."""
        headers = take(timeline, "timeline", 900, now)
        owner = next((one for one in self.timelines.values() if one.account.id == request.path_params["id"]), None)
        if owner is None:
            raise Refused(404, errors.not_found("user", request.path_params["id"]), headers)
        try:
            reading = parse_reading(request.query_params)
        except BadBodyError as bad:
            raise Refused(400, errors.invalid(bad.message, bad.parameters), headers) from None
        shown = owner.visible(now - self._live.config.x.timeline_lag)
        return json_answer(200, reading.page([post for post in shown if reading.shows(post)]), headers)

    async def upload(self, request: Request, timeline: Timeline, now: float) -> Response:
        """Handle `POST /2/media/upload` (simple and chunked)."""
        headers = take(timeline, "upload", 500, now)
        async with request.form(max_part_size=_LARGEST_PART) as form:
            status, body = await self.media.take(form, now)
        return json_answer(status, body, headers)

    async def describe(self, request: Request, timeline: Timeline, now: float) -> Response:
        """Handle `POST /2/media/metadata`: the alternative text of an uploaded picture."""
        headers = take(timeline, "metadata", 500, now)
        wanted = _json(await request.body())
        try:
            media_id, alt = read_description(wanted)
        except BadBodyError as bad:
            raise Refused(400, errors.invalid(bad.message, bad.parameters), headers) from None
        if not self.media.has(media_id) or not self._pictures.describe(media_id, alt):
            raise Refused(400, errors.invalid("The media id is unknown.", {"id": [media_id]}), headers)
        described = {"id": media_id, "associated_metadata": {"alt_text": {"text": alt}}}
        return json_answer(200, {"data": described}, headers)

    def _check_text(self, text: str, timeline: Timeline, now: float, headers: dict[str, str]) -> None:
        if not text:
            return
        if not is_postable(text):
            if weigh(text) > LIMIT and self._live.config.x.too_long_status == errors.FORBIDDEN:
                raise Refused(403, errors.problem(403, errors.TOO_LONG), headers)
            message = f"text is {weigh(text)} of {LIMIT} long, or has code points that are not allowed"
            raise Refused(400, errors.invalid(message), headers)
        if len(_CASHTAG.findall(text)) > 1:
            raise Refused(403, errors.problem(403, "At most one cashtag is allowed per post."), headers)
        if timeline.posted_recently(text, now):
            raise Refused(403, errors.problem(403, errors.DUPLICATE), headers)

    def _parent(self, post_id: str | None, timeline: Timeline, headers: dict[str, str]) -> Post | None:
        if post_id is None:
            return None
        parent = self._find(post_id)
        if parent is None:
            raise Refused(403, errors.problem(403, errors.REPLY_GONE), headers)
        rule = self._live.config.x.replies
        own = parent.account.id == timeline.account.id
        if rule == "none" or (rule == "own" and not own and not _engages(parent, timeline)):
            raise Refused(403, errors.problem(403, errors.REPLY_REFUSED), headers)
        return parent

    def _check_attached(self, wanted: NewPost, headers: dict[str, str]) -> None:
        if wanted.quotes and self._find(wanted.quotes) is None:
            detail = "You attempted to quote a Tweet that is deleted or not visible to you."
            raise Refused(403, errors.problem(403, detail), headers)
        if not all(self.media.has(media_id) for media_id in wanted.media_ids):
            raise Refused(400, errors.invalid("Your media IDs are invalid.", {"media_ids": wanted.media_ids}), headers)

    def _find(self, post_id: str) -> Post | None:
        for timeline in self.timelines.values():
            post = timeline.posts.get(post_id)
            if post is not None and post.deleted_at is None:
                return post
        return None


def handle(account: XAccount) -> str:
    """Return a valid X handle for the account: at most 15 letters, digits and underscores."""
    return re.sub(r"\W", "_", account.name)[:15]


def _engages(post: Post, timeline: Timeline) -> bool:
    return f"@{handle(timeline.account)}".lower() in post.text.lower() or post.quotes in timeline.posts


def _json(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadBodyError("The request body is not valid JSON.") from None
