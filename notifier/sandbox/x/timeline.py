"""The posts of one account: ids, threads, shortened links, and the duplicate rule."""

import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from notifier.sandbox.credentials import XAccount
from notifier.sandbox.limits import Window
from notifier.sandbox.x.links import Link
from notifier.sandbox.x.weight import links_of

DUPLICATE_SECONDS = 24 * 3600.0
COST = 0.015  # US dollars, pay-per-use prices of 20 April 2026
COST_WITH_LINK = 0.20

_DISPLAYED = 27
_EPOCH_MS = 1_288_834_974_657
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_serial = count(1)


@dataclass(slots=True, kw_only=True)
class Post:
    """One post. `text` is as sent, `shown` has shortened links; times are Unix seconds."""

    id: str
    account: XAccount
    text: str
    shown: str
    links: list[dict[str, Any]]
    created_at: float
    conversation_id: str
    reply_to: str | None = None
    quotes: str | None = None
    media_ids: list[str] = field(default_factory=list)
    deleted_at: float | None = None

    def view(self, fields: frozenset[str]) -> dict[str, Any]:
        """Return the post's API object with these optional fields."""
        references = [("replied_to", self.reply_to), ("quoted", self.quotes)]
        optional = {
            "created_at": datetime.fromtimestamp(self.created_at, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "conversation_id": self.conversation_id,
            "author_id": self.account.id,
            "in_reply_to_user_id": self.account.id if self.reply_to else None,
            "entities": {"urls": self.links} if self.links else None,
            "referenced_tweets": [{"type": kind, "id": target} for kind, target in references if target] or None,
            "lang": "und",
        }
        shown = {name: value for name, value in optional.items() if name in fields and value is not None}
        return {"id": self.id, "text": self.shown, "edit_history_tweet_ids": [self.id], **shown}


@dataclass(slots=True)
class Timeline:
    """The posts and rate windows of one account."""

    account: XAccount
    posts: dict[str, Post] = field(default_factory=dict)
    recent_texts: dict[str, float] = field(default_factory=dict)  # comparable text -> time; kept after a deletion
    windows: dict[str, Window] = field(default_factory=dict)
    spent: float = 0.0

    def visible(self, until: float) -> list[Post]:
        """Return the visible posts created up to a time, newest first."""
        posts = [post for post in self.posts.values() if post.deleted_at is None and post.created_at <= until]
        return posts[::-1]

    def forget(self) -> None:
        """Drop all posts."""
        self.posts.clear()
        self.recent_texts.clear()
        self.spent = 0.0

    def posted_recently(self, text: str, now: float) -> bool:
        """Whether the account posted this text in the last 24 hours."""
        return now - self.recent_texts.get(comparable(text), -DUPLICATE_SECONDS) < DUPLICATE_SECONDS

    def add(self, text: str, now: float, *, reply_to: Post | None, quotes: str | None, media_ids: list[str]) -> Post:
        """Publish a post."""
        post_id = new_id(now)
        shown, links = shorten(text)
        post = Post(
            id=post_id,
            account=self.account,
            text=text,
            shown=shown,
            links=links,
            created_at=now,
            conversation_id=reply_to.conversation_id if reply_to else post_id,
            reply_to=reply_to.id if reply_to else None,
            quotes=quotes,
            media_ids=media_ids,
        )
        self.posts[post_id] = post
        self.recent_texts[comparable(text)] = now
        self.spent += COST_WITH_LINK if links else COST
        return post


def comparable(text: str) -> str:
    """Normalise a text for the duplicate rule: NFC, whitespace folded, links expanded."""
    normal, expanded, at = unicodedata.normalize("NFC", text), "", 0
    for link in links_of(normal):
        expanded += normal[at : link.start] + link.target
        at = link.end
    return " ".join((expanded + normal[at:]).split())


def new_id(now: float) -> str:
    """Return a new post id: an increasing 63-bit number as a decimal string."""
    return str((int(now * 1000) - _EPOCH_MS) << 22 | next(_serial) % (1 << 22))


def shorten(text: str) -> tuple[str, list[dict[str, Any]]]:
    """Replace links by t.co ones; return the text and its `entities.urls` (code point indices)."""
    normal = unicodedata.normalize("NFC", text)
    shown, entities, at = "", [], 0
    for link in links_of(normal):
        short = f"https://t.co/{_slug()}"
        shown += normal[at : link.start]
        entities.append(_entity(link, short, len(shown)))
        shown += short
        at = link.end
    return shown + normal[at:], entities


def _entity(link: Link, short: str, start: int) -> dict[str, Any]:
    display = link.target.partition("://")[2].removeprefix("www.")
    return {
        "start": start,
        "end": start + len(short),
        "url": short,
        "expanded_url": link.target,
        "display_url": display if len(display) <= _DISPLAYED else display[: _DISPLAYED - 1] + "…",
    }


def _slug() -> str:
    number, letters = next(_serial) * 2_654_435_761 % 62**10, ""
    for _ in range(10):
        number, digit = divmod(number, 62)
        letters += _ALPHABET[digit]
    return letters
