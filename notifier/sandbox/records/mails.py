"""Mails as JSON: rows for lists, and complete mails."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from notifier.sandbox.records.moments import moment
from notifier.sandbox.sendgrid.expand import Mail, mime
from notifier.sandbox.sendgrid.lint import remarks
from notifier.sandbox.sendgrid.store import MailRequest


def mail_row(record: MailRequest, mail: Mail) -> dict[str, Any]:
    """Return a mail's row in a list."""
    return {
        "id": mail.id,
        "received_at": moment(record.received_at),
        "to": [address["email"] for address in mail.to],
        "from": mail.sender,
        "subject": mail.subject,
        "locale": record.locale,
        "delivery_id": mail.custom_args.get("delivery_id"),
        "notification_id": mail.custom_args.get("notification_id"),
    }


def mail_whole(record: MailRequest, mail: Mail) -> dict[str, Any]:
    """Return a complete mail: headers parsed back from its MIME form, text and HTML."""
    parsed = parsed_mime(record, mail)
    return mail_row(record, mail) | {
        "to": mail.to,
        "cc": mail.cc,
        "bcc": mail.bcc,
        "reply_to": mail.reply_to,
        "headers": [[name, str(value)] for name, value in parsed.items()],
        "text": mail.body("text/plain"),
        "html": mail.body("text/html"),
        "categories": mail.categories,
        "custom_args": mail.custom_args,
        "send_at": mail.send_at,
        "attachments": [{"filename": one["filename"], "type": one.get("type")} for one in mail.attachments],
        "remarks": remarks(mail, parsed),
    }


def parsed_mime(record: MailRequest, mail: Mail) -> EmailMessage:
    """Build a mail's MIME form and parse it as a mail program would."""
    source = mime(mail, received_at=record.received_at).as_bytes()
    return message_from_bytes(source, EmailMessage, policy=default)
