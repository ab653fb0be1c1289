"""Outgoing messages as values: rendering creates them, channels send them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """A sender: RFC 5321 mailbox and display name."""

    email: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailContent:
    """A mail rendered once for many recipients.

    Personal parts are tags filled in from `MailRecipient.substitutions`.
    """

    sender: Mailbox
    subject: str
    text: str
    html: str
    locale: str
    headers: Mapping[str, str]  # the same for all: List-Id, References, Auto-Submitted ...
    reply_to: Mailbox | None = None


class MailRecipient(NamedTuple):
    """One addressee of a mail request. `delivery_id` is the same on every attempt.

    A tuple because a million of them are created: a frozen dataclass takes twice as long.
    """

    delivery_id: str
    address: str
    name: str
    substitutions: Mapping[str, str]  # tag -> raw value; the tag names whether it is meant for text or HTML
    headers: Mapping[str, str]  # List-Unsubscribe, List-Unsubscribe-Post, Message-ID


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRequest:
    """1 to 1,000 mails of one notification in one locale; recipients must not see each other."""

    content: MailContent
    recipients: Sequence[MailRecipient]
    notification_id: str
    batch_id: int
    attempt: int
    categories: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture attached to a post. `alt` is its description in the post's language."""

    data: bytes = field(repr=False)
    media_type: str  # image/png or image/jpeg
    alt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSpan:
    """A link inside a post: its byte range in the UTF-8 text (end exclusive), and its target.

    Bluesky does not detect links: each span becomes a facet. The shown text may be shorter than
    `url`.
    """

    start: int
    end: int
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SocialPost:
    """One post of one account. `key` is the same on every attempt, and so must `text` be.

    `languages`: the text's languages, if more than that of `locale`. `listed`: shown in public
    timelines, as an incident's first and last post should be; those in between reach followers
    only, if the platform supports that.
    """

    key: str
    account: str
    text: str
    locale: str
    posted_at: datetime  # aware UTC, of the leading update: deterministic record keys derive from it
    reply_to: "PostReceipt | None" = None
    thread_root: "PostReceipt | None" = None
    links: Sequence[str] = ()
    spans: Sequence[LinkSpan] = ()
    languages: Sequence[str] = ()
    listed: bool = True
    picture: Picture | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostReceipt:
    """A published post: platform's id, public URL, and what a reply needs (Bluesky: `cid`)."""

    id: str
    url: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HookRequest:
    """One signed POST. `body` is built once per notification and format; `secrets` sign it (newest first).

    `changed_at`: when someone last changed the endpoint, enabled it or requested a retry; circuit
    breakers that opened earlier do not block the request. None: they do.
    """

    delivery_id: str  # becomes `webhook-id`
    endpoint_id: int
    url: str
    body: bytes
    secrets: Sequence[str] = field(repr=False)
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    changed_at: datetime | None = None


class HookResult(NamedTuple):
    """The result of one POST.

    `error` is None on success. `excerpt` is at most 1 kB of the response.

    A tuple, like `MailRecipient`: a burst creates thousands of them.
    """

    delivery_id: str
    endpoint_id: int
    started_at: datetime
    duration_ms: int
    status: int | None = None
    excerpt: str = ""
    error: Exception | None = None
