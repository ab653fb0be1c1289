"""Build the JSON of one Mail Send request from plain dicts.

One recipient per personalization, so that recipients do not see each other. Source: SendGrid's v3
Mail Send reference and its pages on personalizations, substitutions and custom headers.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from notifier.channels.email.addresses import display_name, header_value, one_line
from notifier.domain.messages.message import Mailbox, MailRecipient, MailRequest

# Not allowed as custom headers; case-insensitive (SendGrid, Mail Send headers).
RESERVED_HEADERS = frozenset(
    {
        "bcc", "cc", "content-transfer-encoding", "content-type", "dkim-signature", "from", "received", "reply-to",
        "subject", "to", "x-sg-eid", "x-sg-id",
    }
)  # fmt: skip
MAX_CATEGORIES = 10
MAX_CATEGORY = 255
MAX_SUBJECT = 150  # characters; mail programs show no more
_SURROGATE = re.compile("[\ud800-\udfff]")

# Disabled explicitly: account defaults may rewrite links or add a pixel or an unsubscribe link.
_TRACKING = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
    "ganalytics": {"enable": False},
}


def content_part(request: MailRequest) -> dict[str, Any]:
    """Return the request without its recipients."""
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
    """Return the arguments in all events of this request: proof that this attempt was accepted.

    Not named `attempt`: SendGrid's own field of that name replaces it in `deferred` events.
    """
    return {"batch": str(request.batch_id), "batch_attempt": str(request.attempt)}


def personalization(recipient: MailRecipient, address: str, notification_id: str) -> dict[str, Any]:
    """Return one personalization.

    Has both unsubscribe headers, because SendGrid does not document how it merges the two levels.
    """
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
    """Return the headers a sender may set, values as one line of ASCII."""
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
    """Return labels for the provider's statistics: ASCII, unique, at most ten, nothing personal."""
    wanted = request.categories or ("incident", f"locale-{request.content.locale}")
    return list(dict.fromkeys(name[:MAX_CATEGORY] for name in wanted if name.isascii() and name))[:MAX_CATEGORIES]


def encoded(part: object) -> bytes:
    """Encode as UTF-8 JSON. Lone surrogates, possible in hostile JSON, become question marks."""
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
