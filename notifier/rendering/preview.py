"""A message as one reader would get it, without sending: for `notifier preview` and the console."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from notifier.domain.house import Account
from notifier.domain.message import MailContent, MailRecipient
from notifier.domain.values import Platform
from notifier.rendering.posts import PostText


class PreviewChannel(StrEnum):
    """What `notifier preview --channel` takes."""

    EMAIL = "email"
    X = "x"
    MASTODON = "mastodon"
    BLUESKY = "bluesky"
    WEBHOOK = "webhook"

    @property
    def platform(self) -> Platform | None:
        """The social platform it is, if it is one."""
        return Platform(self.value) if self.value in set(Platform) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What was rendered; which fields are set depends on the channel. `data` is JSON-ready and complete."""

    channel: PreviewChannel
    locale: str
    subject: str | None = None
    text: str | None = None
    html: str | None = None
    data: dict[str, Any] | None = None


EXAMPLE_NAMES = {"nl": "Bloemenhuis Jansen", "de": "Blumenhaus Schmidt", "fr": "Fleurs Dupont"}
EXAMPLE_NAME = "Rose Cottage Flowers"
EXAMPLE_ADDRESS = "owner@shop.example"
EXAMPLE_TOKEN = "example-token"  # noqa: S105 - stands where a recipient's own token would


def filled(text: str, recipient: MailRecipient) -> str:
    """Put a recipient's values into a rendered part, as a provider does: one pass, raw."""
    for tag, value in recipient.substitutions.items():
        text = text.replace(tag, value)
    return text


def mail_preview(content: MailContent, recipient: MailRecipient) -> Preview:
    """Show a mail as its recipient sees it, headers included."""
    subject, text, html = (filled(part, recipient) for part in (content.subject, content.text, content.html))
    data = {
        "from": {"email": content.sender.email, "name": content.sender.name},
        "to": {"email": recipient.address, "name": recipient.name},
        "subject": subject,
        "headers": {**content.headers, **recipient.headers},
        "text": text,
        "html": html,
    }
    return Preview(
        channel=PreviewChannel.EMAIL, locale=content.locale, subject=subject, text=text, html=html, data=data
    )


def webhook_preview(body: bytes, locale: str) -> Preview:
    """Show a webhook's body. It holds all languages, whatever the locale."""
    data: dict[str, Any] = orjson.loads(body)
    text = orjson.dumps(data, option=orjson.OPT_INDENT_2).decode()
    return Preview(channel=PreviewChannel.WEBHOOK, locale=locale, text=text, data=data)


def post_preview(channel: PreviewChannel, post: PostText, length: int, most: int) -> Preview:
    """Show a post, and how long it is as the platform counts."""
    data = {
        "text": post.text,
        "length": length,
        "limit": most,
        "shortened": post.shortened,
        "links": list(post.links),
        "locale": post.locale,
    }
    return Preview(channel=channel, locale=post.locale, text=post.text, data=data)


def example_account(platform: Platform, locale: str) -> Account:
    """An account with the usual settings."""
    return Account(name=f"{platform}-{locale}", platform=platform, locale=locale)
