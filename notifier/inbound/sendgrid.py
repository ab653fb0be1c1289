"""SendGrid's Event Webhook: its signature, and its events as values.

Source: Twilio SendGrid, "Event Webhook Reference" and "Getting Started with the Event Webhook
Security Features". One odd event never rejects a batch: SendGrid resends a rejected batch for 24
hours.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from notifier.domain.errors import FieldError, InvalidInputError
from notifier.domain.providers.discretion import local_parts, without_addresses
from notifier.domain.providers.mail_event import MailEvent, MailEventKind, MailEvents

SIGNATURE_HEADER = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP_HEADER = "X-Twilio-Email-Event-Webhook-Timestamp"
# A resent batch may have its first timestamp for 24 hours; duplicates are recognized by their ids.
MAX_AGE = timedelta(hours=26)
MAX_AHEAD = timedelta(minutes=10)
_MAX_EVENT_ID = 200
# What is kept of an event as evidence: never the address, nor any IP, user agent or link of a
# reader.
_KEPT = ("type", "bounce_classification", "reason", "response", "status", "attempt", "asm_group_id", "sg_message_id")


_KINDS = frozenset(MailEventKind)


def is_signed(body: bytes, *, public_key: str, timestamp: str, signature: str, now: datetime) -> bool:
    """Whether a request has SendGrid's signature: ECDSA on P-256, SHA-256, over timestamp and body.

    Args:
        body: As received, to the last byte (it ends with CR LF).
        public_key: Base64 of the DER SubjectPublicKeyInfo, as SendGrid shows it.
        timestamp: The timestamp header, Unix seconds.
        signature: The signature header, base64 of DER.
        now: Aware UTC instant.
    """
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:  # noqa: PLR2004 - until the year 33658
        return False
    age = now.timestamp() - int(timestamp)
    if not -MAX_AHEAD.total_seconds() <= age <= MAX_AGE.total_seconds():
        return False
    try:
        key = serialization.load_der_public_key(base64.b64decode(public_key, validate=True))
        given = base64.b64decode(signature, validate=True)
        if not isinstance(key, ec.EllipticCurvePublicKey):
            return False
        key.verify(given, timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    except (binascii.Error, ValueError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def parse_mail_events(body: bytes, *, now: datetime) -> MailEvents:
    """Parse a request's events; counts and skips invalid items and unknown kinds.

    Raises:
        InvalidInputError: The body is not a JSON array.
    """
    try:
        items = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInputError([FieldError("body", f"broken JSON: {error}")]) from None
    if not isinstance(items, list):
        raise InvalidInputError([FieldError("body", "must be a JSON array of events")])
    events = tuple(_read(items, now))
    return MailEvents(events, len(items) - len(events))


def _read(items: list[Any], now: datetime) -> Iterator[MailEvent]:
    for item in items:
        if not isinstance(item, dict):
            continue
        kind = _kind(item)
        if kind is not None:
            yield _event(item, kind, now)


def _kind(item: dict[str, Any]) -> MailEventKind | None:
    name = item.get("event")
    if name == MailEventKind.BOUNCE and item.get("type") == "blocked":
        return MailEventKind.BLOCKED
    return MailEventKind(name) if isinstance(name, str) and name in _KINDS else None


def _event(item: dict[str, Any], kind: MailEventKind, now: datetime) -> MailEvent:
    email = _text(item, "email")
    return MailEvent(
        id=_event_id(item),
        kind=kind,
        at=_instant(item.get("timestamp"), now),
        email=email,
        delivery_id=_text(item, "delivery_id"),
        batch=_batch(item),
        facts={name: _kept(item[name], email) for name in _KEPT if item.get(name) is not None},
    )


def _batch(item: dict[str, Any]) -> tuple[int, int] | None:
    number, attempt = _number(item.get("batch")), _number(item.get("batch_attempt"))
    fits = number is not None and attempt is not None and max(number, attempt) < 1 << 63
    return (number or 0, attempt or 0) if fits else None


def _event_id(item: dict[str, Any]) -> str:
    """Return the event's id, or a digest of its content if the id is missing or too long."""
    own = item.get("sg_event_id")
    if isinstance(own, str) and 0 < len(own) <= _MAX_EVENT_ID and own.isprintable():
        return own
    content = own if isinstance(own, str) and own else orjson.dumps(item, option=orjson.OPT_SORT_KEYS).decode()
    return f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"


def _instant(value: object, now: datetime) -> datetime:
    """Convert Unix seconds, given as number or text; never later than now."""
    seconds = _number(value)
    if seconds is None or not 0 < seconds <= now.timestamp():
        return now
    return datetime.fromtimestamp(seconds, tz=UTC)


def _number(value: object) -> int | None:
    text = str(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else ""
    text = text.partition(".")[0]
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 19 else None  # noqa: PLR2004 - 64 bits


def _text(item: dict[str, Any], name: str) -> str | None:
    value = item.get(name)
    return value if isinstance(value, str) and value else None


def _kept(value: object, email: str | None) -> str:
    return without_addresses(str(value), local_parts([email] if email else []))[:500].replace("\x00", "")
