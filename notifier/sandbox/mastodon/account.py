"""One account on the instance: its statuses, idempotency keys and rates."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from itertools import count
from typing import Any

from notifier.sandbox.credentials import MastodonAccount
from notifier.sandbox.limits import Window
from notifier.sandbox.x.links import find_links

_serial = count(1)


@dataclass(slots=True, kw_only=True)
class Status:
    """One status. Times are Unix seconds."""

    id: str
    text: str
    spoiler: str
    visibility: str
    language: str | None
    sensitive: bool
    reply_to: "Status | None"
    media_ids: list[str]
    created_at: float
    edited_at: float | None = None
    deleted_at: float | None = None

    @property
    def thread(self) -> str:
        """The id of the first status of the thread."""
        return self.reply_to.thread if self.reply_to else self.id


@dataclass(slots=True)
class Account:
    """An account's state on the instance. `keys` maps an Idempotency-Key to (status id, time)."""

    credentials: MastodonAccount
    statuses: dict[str, Status] = field(default_factory=dict)
    scheduled: list[tuple[float, Status]] = field(default_factory=list)
    keys: dict[str, tuple[str, float]] = field(default_factory=dict)
    windows: dict[str, Window] = field(default_factory=dict)
    repeats: int = 0  # calls that returned the status of an earlier one

    def forget(self) -> None:
        """Drop all statuses and keys."""
        self.statuses.clear()
        self.scheduled.clear()
        self.keys.clear()
        self.repeats = 0

    def publish_due(self, now: float) -> None:
        """Publish scheduled statuses that are due."""
        for due, status in [entry for entry in self.scheduled if entry[0] <= now]:
            self.statuses[status.id] = status
            self.scheduled.remove((due, status))

    def view(self, base_url: str) -> dict[str, Any]:
        """Return the account entity."""
        name = self.credentials.name
        return {
            "id": self.credentials.id,
            "username": name,
            "acct": name,
            "display_name": name,
            "locked": False,
            "bot": True,
            "created_at": "2022-06-21T00:00:00.000Z",
            "note": "",
            "url": f"{base_url}/@{name}",
            "uri": f"{base_url}/users/{name}",
            "avatar": f"{base_url}/avatars/original/missing.png",
            "header": f"{base_url}/headers/original/missing.png",
            "followers_count": 0,
            "following_count": 0,
            "statuses_count": len(self.statuses),
            "emojis": [],
            "fields": [],
        }

    def view_status(self, status: Status, base_url: str) -> dict[str, Any]:
        """Return the status entity."""
        name = self.credentials.name
        return {
            "id": status.id,
            "created_at": iso(status.created_at),
            "in_reply_to_id": status.reply_to.id if status.reply_to else None,
            "in_reply_to_account_id": self.credentials.id if status.reply_to else None,
            "sensitive": status.sensitive,
            "spoiler_text": status.spoiler,
            "visibility": status.visibility,
            "language": status.language,
            "uri": f"{base_url}/users/{name}/statuses/{status.id}",
            "url": f"{base_url}/@{name}/{status.id}",
            "replies_count": sum(other.reply_to is status for other in self.statuses.values()),
            "reblogs_count": 0,
            "favourites_count": 0,
            "edited_at": iso(status.edited_at) if status.edited_at is not None else None,
            "content": _html(status.text),
            "reblog": None,
            "application": {"name": "sandbox", "website": None},
            "account": self.view(base_url),
            "media_attachments": [{"id": media_id, "type": "image"} for media_id in status.media_ids],
            "mentions": [],
            "tags": [],
            "emojis": [],
            "card": None,
            "poll": None,
        }


def new_id(now: float) -> str:
    """Return a new status id, from milliseconds and a serial number; ids increase."""
    return str(int(now * 1000) << 16 | next(_serial) % (1 << 16))


def iso(at: float) -> str:
    """Format Unix seconds as Mastodon does."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _html(text: str) -> str:
    linked, at = "", 0
    for link in find_links(text):
        if link.url.lower().startswith(("http://", "https://")):
            href = escape(link.url)
            linked += f'{escape(text[at : link.start])}<a href="{href}" rel="nofollow noopener">{href}</a>'
            at = link.end
    paragraphs = (linked + escape(text[at:])).split("\n\n")
    return "".join("<p>" + paragraph.replace("\n", "<br />") + "</p>" for paragraph in paragraphs)
