"""The query of `GET /2/users/{id}/tweets`, and the requested page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from notifier.sandbox.x.body import BadBodyError
from notifier.sandbox.x.timeline import Post

_PAGE_SIZES = range(5, 101)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Which posts to return. Times are Unix seconds, ids are numbers; None means no bound."""

    size: int
    offset: int
    start: float | None
    end: float | None
    since: int | None
    until: int | None
    replies: bool
    fields: frozenset[str]

    def shows(self, post: Post) -> bool:
        """Whether the query includes a post."""
        return (
            (self.start is None or post.created_at >= self.start)
            and (self.end is None or post.created_at < self.end)
            and (self.since is None or int(post.id) > self.since)
            and (self.until is None or int(post.id) < self.until)
            and (self.replies or post.reply_to is None)
        )

    def page(self, posts: Sequence[Post]) -> dict[str, Any]:
        """Return the response body for posts sorted newest first."""
        page = posts[self.offset : self.offset + self.size]
        meta: dict[str, Any] = {"result_count": len(page)}
        if not page:
            return {"meta": meta}
        meta |= {"newest_id": page[0].id, "oldest_id": page[-1].id}
        if len(posts) > self.offset + self.size:
            meta["next_token"] = str(self.offset + self.size)
        return {"data": [post.view(self.fields) for post in page], "meta": meta}


def parse_reading(query: Mapping[str, str]) -> Reading:
    """Parse and validate the query of a timeline call.

    Raises:
        BadBodyError: has the message and parameters of the 400 response.
    """
    size = _number(query, "max_results", 10)
    if size not in _PAGE_SIZES:
        raise BadBodyError(
            f"The `max_results` query parameter value [{size}] is not between 5 and 100", max_results=[size]
        )
    return Reading(
        size=size or 10,
        offset=_number(query, "pagination_token", 0) or 0,
        start=_time(query, "start_time"),
        end=_time(query, "end_time"),
        since=_number(query, "since_id", None),
        until=_number(query, "until_id", None),
        replies="replies" not in query.get("exclude", "").split(","),
        fields=frozenset(query.get("tweet.fields", "").split(",")),
    )


def _number(query: Mapping[str, str], name: str, preset: int | None) -> int | None:
    if name not in query:
        return preset
    if not query[name].isdecimal():
        raise BadBodyError(f"The `{name}` query parameter value [{query[name]}] is not valid", **{name: [query[name]]})
    return int(query[name])


def _time(query: Mapping[str, str], name: str) -> float | None:
    if name not in query:
        return None
    try:
        moment = datetime.fromisoformat(query[name])
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        message = f"The `{name}` query parameter value [{query[name]}] is not a valid RFC 3339 time"
        raise BadBodyError(message, **{name: [query[name]]})
    return moment.timestamp()
