"""The events of one mail, as posted by the Event Webhook (field table of its reference)."""

from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from notifier.sandbox.sendgrid.expand import smtp_id
from notifier.sandbox.sendgrid.outcomes import Outcome

_RESERVED_NAMES = (
    "email event timestamp sg_event_id sg_message_id smtp-id category asm_group_id reason response status type attempt "
    "ip tls bounce_classification useragent url url_offset sg_machine_open pool"
)
_RESERVED = frozenset(_RESERVED_NAMES.split())
_LISTS = {
    "bounced": ("bounces", "550 5.1.1 unknown user", "5.1.1"),
    "delayed_bounce": ("bounces", "550 5.1.1 unknown user", "5.1.1"),
    "blocked": ("blocks", "452 4.2.2 over quota", "4.2.2"),
    "spam_report": ("spam_reports", "", ""),
    "unsubscribed": ("unsubscribes", "", ""),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One mail sent to one recipient."""

    message_id: str
    index: int
    email: str
    args: Mapping[str, str]
    categories: Sequence[str]
    outcome: Outcome
    reason: str = ""  # of a drop


def suppression_of(outcome: Outcome) -> tuple[str, str, str] | None:
    """Return the suppression list that an outcome adds to, with reason and status, or None."""
    return _LISTS.get(outcome)


def events_of(mail: Sent, now: float) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (stage, event) in order. Stages: 0 accepted, 1 the server's reply, 2 later events."""
    if mail.outcome == "dropped":
        yield 0, _event(mail, "dropped", now, reason=mail.reason, status="5.0.0")
        return
    yield 0, _event(mail, "processed", now)
    if mail.outcome == "deferred":
        response = "421 4.7.28 rate limited, try again later"
        yield 1, _event(mail, "deferred", now + 7, attempt="1", response=response, reason=response)
    if mail.outcome in ("bounced", "blocked"):
        yield 1, _bounce(mail, now + 3)
        return
    late = 2 if mail.outcome == "deferred" else 1
    yield late, _event(mail, "delivered", now + 3, response="250 2.0.0 OK", ip="198.51.100.7", tls=1)
    if mail.outcome == "delayed_bounce":
        yield 2, _bounce(mail, now + 900)
    elif mail.outcome == "spam_report":
        yield 2, _event(mail, "spamreport", now + 600)
    elif mail.outcome == "unsubscribed":
        yield 2, _event(mail, "unsubscribe", now + 600)


def _bounce(mail: Sent, at: float) -> dict[str, Any]:
    _, reason, status = _LISTS[mail.outcome]
    kind, label = ("blocked", "Mailbox Unavailable") if mail.outcome == "blocked" else ("bounce", "Invalid Address")
    event = _event(mail, "bounce", at, type=kind, bounce_classification=label, reason=reason, status=status, tls=1)
    if mail.outcome == "delayed_bounce":  # asynchronous, after the SMTP connection was closed
        del event["sg_message_id"]
    return event


def _event(mail: Sent, name: str, at: float, **fields: object) -> dict[str, Any]:
    digest = blake2b(f"{mail.message_id}/{mail.index}/{mail.email}/{name}".encode(), digest_size=15).digest()
    event: dict[str, Any] = {key: value for key, value in mail.args.items() if key not in _RESERVED}
    event |= {
        "email": mail.email,
        "timestamp": int(at),
        "event": name,
        "sg_event_id": urlsafe_b64encode(digest).decode(),
        "sg_message_id": f"{mail.message_id}.recvd-sandbox-{mail.index:04x}.{mail.index}",
    }
    if mail.categories:
        event["category"] = mail.categories if len(mail.categories) > 1 else mail.categories[0]
    if name not in ("spamreport", "unsubscribe"):
        event["smtp-id"] = smtp_id(mail.message_id)
    return event | fields
