"""Posts of all platforms in one JSON format."""

from collections.abc import Iterator
from typing import Any

from notifier.sandbox.bluesky.lexicon import MAX_GRAPHEMES, POST, faults_of, images_of, reference
from notifier.sandbox.bluesky.repo import Record, Repo
from notifier.sandbox.mastodon.length import length
from notifier.sandbox.pictures import Pictures
from notifier.sandbox.records.moments import moment
from notifier.sandbox.sandbox import Sandbox
from notifier.sandbox.text import graphemes
from notifier.sandbox.x.links import find_links
from notifier.sandbox.x.weight import LIMIT, links_of, weigh

Row = dict[str, Any]


def posts_of(sandbox: Sandbox) -> list[Row]:
    """Return all posts, oldest first, deleted ones included.

    `links` are (start, end, target) in code points. `length` and `limit` are as the platform
    counts. `thread` is the id of the thread's first post, `reply_to` that of the parent.
    """
    rows = [*_x_posts(sandbox), *_mastodon_posts(sandbox), *_bluesky_posts(sandbox)]
    return sorted(rows, key=lambda row: (row["created_at"], row["id"]))


def _x_posts(sandbox: Sandbox) -> Iterator[Row]:
    for timeline in sandbox.x.timelines.values():
        for post in timeline.posts.values():
            yield {
                "platform": "x",
                "account": timeline.account.name,
                "id": post.id,
                "text": post.text,
                "length": weigh(post.text),
                "limit": LIMIT,
                "language": None,
                "visibility": None,
                "created_at": moment(post.created_at),
                "reply_to": post.reply_to,
                "thread": post.conversation_id,
                "links": [(link.start, link.end, link.target) for link in links_of(post.text)],
                "pictures": sandbox.pictures.rows(post.media_ids),
                "edited": False,
                "deleted": post.deleted_at is not None,
            }


def _mastodon_posts(sandbox: Sandbox) -> Iterator[Row]:
    limit = sandbox.live.config.mastodon.max_characters
    for account in sandbox.mastodon.accounts.values():
        for status in account.statuses.values():
            links = [link for link in find_links(status.text) if link.url == link.target]
            yield {
                "platform": "mastodon",
                "account": account.credentials.name,
                "id": status.id,
                "text": status.text,
                "length": length(status.text, status.spoiler),
                "limit": limit,
                "language": status.language,
                "visibility": status.visibility,
                "created_at": moment(status.created_at),
                "reply_to": status.reply_to.id if status.reply_to else None,
                "thread": status.thread,
                "links": [(link.start, link.end, link.target) for link in links],
                "pictures": sandbox.pictures.rows(status.media_ids),
                "edited": status.edited_at is not None,
                "deleted": status.deleted_at is not None,
            }


def _bluesky_posts(sandbox: Sandbox) -> Iterator[Row]:
    for repo in sandbox.bluesky.sessions.repos.values():
        for record in (*repo.records.values(), *repo.deleted):
            if record.place[0] == POST and isinstance(record.value.get("text"), str):
                yield _bluesky_post(repo, record, sandbox.pictures)


def _bluesky_post(repo: Repo, record: Record, pictures: Pictures) -> Row:
    sound = next(faults_of(record.value), None) is None  # `validate: false` accepts anything
    shown = record.value if sound else {"text": record.value["text"]}
    text, reply, images = shown["text"], shown.get("reply") or {}, images_of(shown)
    return {
        "platform": "bluesky",
        "account": repo.account.name,
        "id": record.place[1],
        "text": text,
        "length": graphemes(text),
        "limit": MAX_GRAPHEMES,
        "language": next(iter(shown.get("langs", [])), None),
        "visibility": None,
        "created_at": moment(record.written_at),
        "reply_to": _key(reply.get("parent")),
        "thread": _key(reply.get("root")) or record.place[1],
        "links": list(_linked(text, shown.get("facets", []))),
        "pictures": pictures.rows([cid for cid, _ in images], [alt for _, alt in images]),
        "edited": record.replaced > 0,
        "deleted": record.deleted_at is not None,
    }


def _key(target: dict[str, str] | None) -> str | None:
    found = reference(target["uri"]) if target else None
    return found[2] if found else None


def _linked(text: str, facets: list[dict[str, Any]]) -> Iterator[tuple[int, int, str]]:
    octets = text.encode()
    for facet in facets:
        uri = next((feature["uri"] for feature in facet["features"] if "uri" in feature), None)
        if uri is not None:
            start, end = (len(octets[: facet["index"][side]].decode()) for side in ("byteStart", "byteEnd"))
            yield start, end, uri
