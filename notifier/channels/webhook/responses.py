"""Interpret a response: status to error, Retry-After to wait, body to excerpt."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from notifier.domain.errors import DeliveryError, PermanentDeliveryError, TransientDeliveryError
from notifier.domain.values import Reason

SUCCESS = range(200, 300)
# A receiver may ask for a longer wait; it gets no more than the retry schedule's longest one.
MAX_RETRY_AFTER = timedelta(hours=24)
_REASONS = {
    401: Reason.AUTH,
    403: Reason.AUTH,
    407: Reason.AUTH,
    408: Reason.TIMED_OUT,
    413: Reason.TOO_LARGE,
    429: Reason.RATE_LIMITED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookResponse:
    """A response. `body` is what was read of it, not decompressed; `retry_after` the raw header."""

    status: int
    body: bytes = field(default=b"", repr=False)
    retry_after: str | None = None


def error_of(answer: WebhookResponse, now: datetime) -> DeliveryError | None:
    """Return the error for a status: None for 2xx, permanent for 410, transient for all others.

    Source: contract section 6; Standard Webhooks, "Delivery success and failure"; RFC 9110 section 15.
    """
    status = answer.status
    if status in SUCCESS:
        return None
    if status == HTTPStatus.GONE:
        return PermanentDeliveryError(Reason.GONE, "HTTP 410: the receiver wants no more messages", status=status)
    wait = read_retry_after(answer.retry_after, now)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        detail = f"HTTP {status}: redirects are not followed, the endpoint's URL has to be changed"
        return TransientDeliveryError(Reason.REDIRECTED, detail, status=status, retry_after=wait)
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        reason = _REASONS.get(status, Reason.REJECTED)
    else:
        reason = Reason.SERVER_ERROR
    return TransientDeliveryError(reason, f"HTTP {status}", status=status, retry_after=wait)


def read_retry_after(text: str | None, now: datetime) -> timedelta | None:
    """Parse Retry-After, seconds or a date (RFC 9110 section 10.2.3); None if past or invalid."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        wait = timedelta(seconds=min(int(text[:9]), MAX_RETRY_AFTER.total_seconds()))
    else:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        wait = min(aware - now, MAX_RETRY_AFTER)
    return wait if wait > timedelta() else None


def excerpt(body: bytes, limit: int) -> str:
    """Return the start of a body as safe text: decoded as UTF-8, no control or bidi characters."""
    text = body[:limit].decode("utf-8", errors="replace")
    if not text.isprintable():
        text = "".join([character if character.isprintable() else " " for character in text])
    return text[:limit].strip()
