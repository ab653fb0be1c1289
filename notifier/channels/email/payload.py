"""The JSON of one Mail Send request, from plain dicts: one addressee per personalization, so that nobody sees another.

Source: SendGrid's v3 Mail Send reference, its pages on personalizations, substitutions and custom headers.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from notifier.channels.email.addresses import display_name, header_value, one_line
from notifier.domain.messages.message import Mailbox, MailRecipient, MailRequest

# May not be set as custom headers; compared without regard to case (SendGrid, Mail Send headers).
RESERVED_HEADERS = frozenset(
    {
        "bcc", "cc", "content-transfer-encoding", "content-type", "dkim-signature", "from", "received", "reply-to",
        "subject", "to", "x-sg-eid", "x-sg-id",
    }
)  # fmt: skip
MAX_CATEGORIES = 10
MAX_CATEGORY = 255
MAX_SUBJECT = 150  # visible characters; the rest nobody sees
_SURROGATE = re.compile("[\ud800-\udfff]")

# Off by name, so that no account default can rewrite links, add a pixel or a second way to unsubscribe.
_TRACKING = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
    "ganalytics": {"enable": False},
}


def content_part(request: MailRequest) -> dict[str, Any]:
    """Everything of the request but its recipients."""
    content = request.content
    part: dict[str, Any] = {
        "from": _mailbox(content.sender),
        "subject": one_line(content.subject)[:MAX_SUBJECT] or "-",
        "content": [
            {"type": "text/plain", "value": content.text or " "},
            {"type": "text/html", "value": content.html or " "},
        ],
        "headers": custom_headers(content.headers),
        "categories": categories(request),
        "custom_args": common_args(request),
        "tracking_settings": _TRACKING,
    }
    if content.reply_to is not None:
        part["reply_to"] = _mailbox(content.reply_to)
    return part


def common_args(request: MailRequest) -> dict[str, str]:
    """What events of any recipient of this request carry back: evidence that this very attempt was accepted.

    Not `attempt`: in `deferred` events SendGrid's own field of that name would take its place.
    """
    return {"batch": str(request.batch_id), "batch_attempt": str(request.attempt)}


def personalization(recipient: MailRecipient, address: str, notification_id: str) -> dict[str, Any]:
    """One envelope. Both unsubscribe headers stand here: SendGrid does not say how it merges headers of two levels."""
    delivery_id, _, shown, substitutions, headers = recipient
    to = {"email": address}
    if name := display_name(shown):
        to["name"] = name
    return {
        "to": [to],
        "substitutions": substitutions if isinstance(substitutions, dict) else dict(substitutions),
        "custom_args": {"delivery_id": delivery_id, "notification_id": notification_id},
        "headers": custom_headers(headers),
    }


def custom_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers a sender may set, values in one line of ASCII."""
    values = "".join(headers.values())
    if isinstance(headers, dict) and values.isascii() and values.isprintable() and _may_be_set(tuple(headers)):
        return headers
    return {
        name: value if value.isascii() and value.isprintable() else header_value(value)
        for name, value in headers.items()
        if name.lower() not in RESERVED_HEADERS
    }


@lru_cache(maxsize=64)
def _may_be_set(names: tuple[str, ...]) -> bool:
    """Whether none of the names is reserved; every recipient of every mail has the same ones."""
    return not any(name.lower() in RESERVED_HEADERS for name in names)


def categories(request: MailRequest) -> list[str]:
    """Labels of the provider's statistics: ASCII, unique, at most ten; never anything personal."""
    wanted = request.categories or ("incident", f"locale-{request.content.locale}")
    return list(dict.fromkeys(name[:MAX_CATEGORY] for name in wanted if name.isascii() and name))[:MAX_CATEGORIES]


def encoded(part: object) -> bytes:
    """Return UTF-8 JSON. Lone surrogates, which hostile JSON can smuggle in, become question marks."""
    try:
        return orjson.dumps(part)
    except orjson.JSONEncodeError:
        return orjson.dumps(_without_surrogates(part))


def _without_surrogates(part: Any) -> Any:
    if isinstance(part, str):
        return _SURROGATE.sub("?", part)
    if isinstance(part, dict):
        return {_without_surrogates(key): _without_surrogates(value) for key, value in part.items()}
    return [_without_surrogates(item) for item in part] if isinstance(part, list) else part


def _mailbox(mailbox: Mailbox) -> dict[str, str]:
    name = display_name(mailbox.name)
    return {"email": mailbox.email, "name": name} if name else {"email": mailbox.email}
