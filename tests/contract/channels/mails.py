"""Mail requests and a clock for the contract tests of mail senders."""

from datetime import UTC, datetime, timedelta
from typing import Any

from notifier.domain.messages.message import Mailbox, MailContent, MailRecipient, MailRequest

SENDER = "status@mail.shop.example"


def now() -> datetime:
    return datetime.now(UTC)


def soon(seconds: float = 20.0) -> datetime:
    return now() + timedelta(seconds=seconds)


def a_recipient(number: int, **changes: Any) -> MailRecipient:
    fields: dict[str, Any] = {
        "delivery_id": f"dlv_01j0000000000000000000000_{number:013d}",
        "address": f"owner{number}@shop{number}.example",
        "name": "Bloemenhuis Jansen",
        "substitutions": {"-greet-": "Noor", "-unsub-": f"https://n.shop.example/u/{number}"},
        "headers": {
            "List-Unsubscribe": f"<https://n.shop.example/u/{number}>, <mailto:unsub+{number}@mail.shop.example>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Message-ID": f"<inc-1.u1.{number}@mail.shop.example>",
        },
    }
    return MailRecipient(**fields | changes)


def a_content(**changes: Any) -> MailContent:
    fields: dict[str, Any] = {
        "sender": Mailbox(email=SENDER, name="Händler; Status"),
        "subject": "[Kasse] Störung behoben",
        "text": "Hallo -greet-,\n\nalles läuft wieder.\n\nAbmelden: -unsub-\n",
        "html": '<!doctype html><html lang="de"><p>Hallo -greet-</p><a href="-unsub-">Abmelden</a></html>',
        "locale": "de",
        "headers": {
            "List-Id": "Störungen <incidents.status.shop.example>",
            "References": "<inc-1@mail.shop.example>",
            "In-Reply-To": "<inc-1@mail.shop.example>",
            "Auto-Submitted": "auto-generated",
        },
    }
    return MailContent(**fields | changes)


def a_request(recipients: int = 2, **changes: Any) -> MailRequest:
    return request_to(*[a_recipient(number) for number in range(recipients)], **changes)


def request_to(*recipients: MailRecipient, **changes: Any) -> MailRequest:
    fields: dict[str, Any] = {
        "content": a_content(),
        "recipients": recipients,
        "notification_id": "ntf_01j0000000000000000000000",
        "batch_id": 17,
        "attempt": 2,
        "categories": ("incident", "locale-de"),
    }
    return MailRequest(**fields | changes)
