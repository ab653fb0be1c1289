"""Split a request into pieces within a provider's limits, counted exactly as the provider does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from notifier.channels.email.payload import common_args, content_part, encoded, personalization
from notifier.domain.messages.message import MailRecipient, MailRequest

# Lead bytes of UTF-8 sequences. ASCII JSON writes such a character as one \uXXXX, or as two of them
# beyond the basic plane.
_ASCII = bytes(range(0x80))
_TWO_OR_THREE = bytes(range(0xC0, 0xF0))
_FOUR = bytes(range(0xF0, 0xF8))


@dataclass(frozen=True, slots=True, kw_only=True)
class MailLimits:
    """The limits of one request.

    Source: SendGrid's Mail Send limitations and its error catalogue of 2026, the lower number where
    they differ. The 5 MB (of 30) are our own choice, because a retry repeats all of it.
    """

    recipients: int = 1_000
    substitutions: int = 150
    substitution_bytes: int = 10_000  # keys and values of one recipient, in UTF-8
    custom_args_bytes: int = 10_000  # of one recipient after merging, as compact JSON
    body_bytes: int = 5_000_000  # as escaped ASCII JSON, which other clients send


SENDGRID_LIMITS = MailLimits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A split request: every recipient once and in order, except those in `too_large`."""

    requests: Sequence[MailRequest]
    too_large: Sequence[MailRecipient] = field(default=())


def cut(request: MailRequest, limits: MailLimits = SENDGRID_LIMITS) -> Cut:
    """Split a request of any size into requests within the limits."""
    fixed = escaped_bytes(encoded({**content_part(request), "personalizations": []}))
    args = common_args(request)
    chunks: list[list[MailRecipient]] = []
    too_large: list[MailRecipient] = []
    used = 0
    for recipient in request.recipients:
        own = personalization(recipient, recipient.address, request.notification_id)
        size = escaped_bytes(encoded(own)) + 1  # and a comma
        if not fits(own, args, limits) or fixed + size > limits.body_bytes:
            too_large.append(recipient)
            continue
        if not chunks or len(chunks[-1]) >= limits.recipients or used + size > limits.body_bytes:
            chunks.append([])
            used = fixed
        chunks[-1].append(recipient)
        used += size
    return Cut(requests=[replace(request, recipients=chunk) for chunk in chunks], too_large=too_large)


def surely_fits(own: bytes, args: bytes, limits: MailLimits) -> bool:
    """Whether an encoded personalization is too short to exceed any limit; `args` as in `fits`."""
    return len(own) <= limits.substitution_bytes and len(own) + len(args) <= limits.custom_args_bytes


def fits(own: Mapping[str, Any], args: Mapping[str, str], limits: MailLimits) -> bool:
    """Whether one personalization is within its limits; `args` are the message's custom args."""
    values: dict[str, str] = own["substitutions"]
    text = "".join((*values, *values.values()))
    if len(values) > limits.substitutions or _longer(text, limits.substitution_bytes):
        return False
    merged = {**args, **own["custom_args"]}
    if 32 + sum(map(len, merged.values())) * 6 <= limits.custom_args_bytes // 2:  # far below
        return True
    return len(encoded(merged)) <= limits.custom_args_bytes


def exceeds(body: bytes, most: int) -> bool:
    """Whether UTF-8 JSON is longer than `most` bytes once escaped.

    At worst, a character of two or four bytes becomes three times as long; DEL, six times.
    """
    return len(body) > most or (3 * (len(body) + body.count(b"\x7f")) > most and escaped_bytes(body) > most)


def _longer(text: str, most: int) -> bool:
    """Whether a text takes more than `most` bytes in UTF-8; no character takes more than four."""
    return len(text) > most or (len(text) * 4 > most and len(text.encode("utf-8", "replace")) > most)


def escaped_bytes(body: bytes) -> int:
    r"""Return the length of UTF-8 JSON once every non-ASCII character is written as `\uXXXX`."""
    size = len(body)
    plain, singles, pairs = (size - len(body.translate(None, delete)) for delete in (_ASCII, _TWO_OR_THREE, _FOUR))
    return plain + 5 * body.count(b"\x7f") + 6 * singles + 12 * pairs  # DEL is escaped, though it is ASCII
