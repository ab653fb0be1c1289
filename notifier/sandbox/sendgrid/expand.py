"""Expand a request into one mail per personalization, with substitutions applied."""

import re
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from typing import Any

_WELL_FORMED_ID = re.compile(r"<[^<>@\s]+@[^<>@\s]+>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail as it leaves SendGrid. Addresses are `{"email", "name"?}` objects."""

    message_id: str
    index: int
    sender: Mapping[str, str]
    to: Sequence[Mapping[str, str]]
    cc: Sequence[Mapping[str, str]]
    bcc: Sequence[Mapping[str, str]]
    reply_to: Sequence[Mapping[str, str]]
    subject: str
    headers: Mapping[str, str]
    parts: Sequence[tuple[str, str]]  # (content type, text)
    attachments: Sequence[Mapping[str, str]]
    custom_args: Mapping[str, str]
    categories: Sequence[str]
    send_at: int | None

    @property
    def id(self) -> str:
        """The mail's id in the sandbox."""
        return f"{self.message_id}.{self.index}"

    def body(self, content_type: str) -> str:
        """Return the part of this content type, or an empty string."""
        return next((text for kind, text in self.parts if kind.lower() == content_type), "")


def expand(request: dict[str, Any], index: int, message_id: str, *, merge_headers: bool) -> Mail:
    """Return the mail of one personalization of an accepted request.

    `merge_headers`: merge a personalization's headers over the message's; otherwise replace them.
    """
    own = request["personalizations"][index]
    fill = substituter(own.get("substitutions", {}))
    common = request.get("headers", {})
    reply_to = [request["reply_to"]] if "reply_to" in request else request.get("reply_to_list", [])
    return Mail(
        message_id=message_id,
        index=index,
        sender=own.get("from", request["from"]),
        to=own["to"],
        cc=own.get("cc", []),
        bcc=own.get("bcc", []),
        reply_to=[{key: fill(value) for key, value in address.items()} for address in reply_to],
        subject=fill(own.get("subject", request.get("subject", ""))),
        headers=_merged(common, own["headers"]) if merge_headers and "headers" in own else own.get("headers", common),
        parts=[(part["type"], fill(part["value"])) for part in request.get("content", [])],
        attachments=request.get("attachments", []),
        custom_args={**request.get("custom_args", {}), **own.get("custom_args", {})},
        categories=request.get("categories", []),
        send_at=own.get("send_at", request.get("send_at")),
    )


def substituter(values: Mapping[str, str]) -> Callable[[str], str]:
    """Return a function that replaces keys by values: longest key first, in one pass."""
    if not values:
        return str
    pattern = re.compile("|".join(re.escape(key) for key in sorted(values, key=len, reverse=True) if key) or r"(?!)")
    return lambda text: pattern.sub(lambda found: values[found.group()], text)


def mime(mail: Mail, *, received_at: float) -> EmailMessage:
    """Build the MIME message. `received_at`: Unix seconds, for the Date header."""
    message = EmailMessage(policy=SMTP.clone(max_line_length=998))
    message["From"] = _formatted([mail.sender])
    message["To"] = _formatted(mail.to)
    if mail.cc:
        message["Cc"] = _formatted(mail.cc)
    if mail.reply_to:
        message["Reply-To"] = _formatted(mail.reply_to)
    message["Subject"] = mail.subject
    own = {name.lower() for name in mail.headers}
    if "date" not in own:
        message["Date"] = format_datetime(datetime.fromtimestamp(received_at, UTC))
    for name, value in mail.headers.items():
        if name.lower() != "message-id" or _WELL_FORMED_ID.fullmatch(value.strip()):
            message[name] = value
        else:
            own.discard("message-id")
    if "message-id" not in own:
        message["Message-ID"] = smtp_id(mail.message_id)
    _add_bodies(message, mail)
    return message


def smtp_id(message_id: str) -> str:
    """Return the Message-ID that SendGrid sets if there is none (the event field `smtp-id`)."""
    return f"<{message_id}@geopod-ismtpd-sandbox>"


def _add_bodies(message: EmailMessage, mail: Mail) -> None:
    for position, (content_type, text) in enumerate(mail.parts):
        kind, _, subtype = content_type.partition("/")
        if kind.lower() != "text":
            message.add_attachment(text.encode(), maintype=kind, subtype=subtype or "plain")
        elif position == 0:
            message.set_content(text, subtype=subtype.lower())
        else:
            message.add_alternative(text, subtype=subtype.lower())
    for attachment in mail.attachments:
        kind, _, subtype = attachment.get("type", "application/octet-stream").partition("/")
        message.add_attachment(
            b64decode(attachment["content"]),
            maintype=kind,
            subtype=subtype or "octet-stream",
            disposition=attachment.get("disposition", "attachment"),
            filename=attachment["filename"],
            cid=f"<{attachment['content_id']}>" if "content_id" in attachment else None,
        )


def _merged(common: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    overridden = {name.lower() for name in own}
    return {name: value for name, value in common.items() if name.lower() not in overridden} | dict(own)


def _formatted(addresses: Sequence[Mapping[str, str]]) -> str:
    return ", ".join(formataddr((address.get("name", ""), address["email"])) for address in addresses)
