"""Decide the outcomes of webhook deliveries and build their attempt rows: pure functions."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import orjson

from notifier.channels.base import NotAttemptedError
from notifier.domain.errors import DeliveryError, PermanentDeliveryError, TransientDeliveryError
from notifier.domain.incidents.notice import webhook_type
from notifier.domain.messages.message import HookResult
from notifier.domain.providers.retry import GiveUp, after_failure
from notifier.domain.values import Channel, DeliveryState, Reason
from notifier.storage.deliveries.attempts import AttemptRow
from notifier.storage.deliveries.batches import Batch
from notifier.storage.deliveries.deliveries import DeliveryOverride
from notifier.storage.deliveries.webhook_batches import Around, EndpointRow
from notifier.storage.notifications.notifications import StoredNotification

PROVIDER = "webhook"
_NOT_STARTED_WAIT = timedelta(seconds=1)
# A delivery that waits for an earlier update is released when that ends. In case this fails, it is
# checked again after as long as it has waited, within these bounds: an endpoint that fails for a
# day costs few checks.
_WAIT_FOR_EARLIER = timedelta(seconds=10), timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One endpoint's attempt number, and whether a success can share the batch's state."""

    number: int
    shares: bool


def left(
    key: int,
    state: DeliveryState,
    reason: Reason | None,
    due_at: datetime | None = None,
    *,
    attempts: int | None = None,
) -> DeliveryOverride:
    """Return the override of a delivery that is not posted with its batch."""
    return DeliveryOverride(recipient_key=key, state=state, reason=reason, due_at=due_at, attempts=attempts)


def override(result: HookResult, number: int, now: datetime, spread: Callable[[], float]) -> DeliveryOverride:
    """Decide the state of a delivery after attempt `number` (from 1).

    Raises:
        Exception: the result has an unexpected error: a bug.
    """
    error = result.error
    if error is None:
        return DeliveryOverride(recipient_key=result.endpoint_id, state=DeliveryState.ACCEPTED, attempts=number)
    if not isinstance(error, DeliveryError):
        raise error
    if isinstance(error, NotAttemptedError):  # nothing was sent, so no attempt is used up
        due = now + (error.retry_after or _NOT_STARTED_WAIT)
        return _waiting(result, error.reason, due, number - 1)
    follows = after_failure(Channel.WEBHOOK, number, error, spread=spread())
    if isinstance(follows, GiveUp):
        reason = error.reason if isinstance(error, PermanentDeliveryError) else Reason.GAVE_UP
        state = DeliveryState.FAILED
        return DeliveryOverride(recipient_key=result.endpoint_id, state=state, reason=reason, attempts=number)
    return _waiting(result, error.reason, now + follows.wait, number)


def _waiting(result: HookResult, reason: Reason, due_at: datetime, attempts: int) -> DeliveryOverride:
    state = DeliveryState.QUEUED
    return DeliveryOverride(
        recipient_key=result.endpoint_id, state=state, reason=reason, due_at=due_at, attempts=attempts
    )


def line(result: HookResult, number: int) -> AttemptRow:
    """Return the attempt row of a result."""
    error = result.error if isinstance(result.error, DeliveryError) else None
    outcome = "accepted" if error is None else ("failed" if isinstance(error, PermanentDeliveryError) else "retry")
    return AttemptRow(
        recipient_key=result.endpoint_id,
        number=number,
        started_at=result.started_at,
        duration_ms=result.duration_ms,
        outcome=outcome,
        reason=error.reason if error else None,
        status=result.status,
        detail=error.detail if error else "",
        provider=PROVIDER,
        answer=result.excerpt or None,
    )


def faulty_result(row: EndpointRow, fault: Exception, now: datetime) -> HookResult:
    """Return the result of an endpoint that was not posted to because of an internal error."""
    detail = f"nothing was posted: {type(fault).__name__}; the log has the traceback"
    error = TransientDeliveryError(Reason.FAULT, detail)
    return HookResult(delivery_id="", endpoint_id=row.id, started_at=now, duration_ms=0, error=error)


def posting_of(row: EndpointRow, batch: Batch) -> Posting:
    """Return an endpoint's part in a batch, from a row of `webhook_batches.endpoint_rows`."""
    number = max(row.attempts_made + 1, batch.attempts)
    return _shared_posting(number, shares=row.untouched and number == 1)


@lru_cache(maxsize=64)
def _shared_posting(number: int, *, shares: bool) -> Posting:
    """Return a cached instance: most postings of a batch are equal."""
    return Posting(number=number, shares=shares)


def leaves(row: EndpointRow, stored: StoredNotification, around: Around, now: datetime) -> DeliveryOverride | None:
    """Return the override of an endpoint that is not posted to with its batch, else None."""
    state, reason, due_at = None, None, None
    if row.state != "active":
        state, reason = DeliveryState.CANCELED, Reason.ENDPOINT_DISABLED
    elif row.types != "[]" and webhook_type(stored.notice) not in orjson.loads(row.types):
        state, reason = DeliveryState.CANCELED, Reason.NOT_WANTED
    elif row.mode == "latest" and row.id in around.overtaken and not row.is_replay:
        state, reason = DeliveryState.SUPERSEDED, Reason.NEWER_UPDATE
    elif row.id in around.sending or (row.mode == "every" and row.id in around.queued):
        soonest, latest = _WAIT_FOR_EARLIER
        wait = min(max(now - stored.created_at, soonest), latest)
        state, reason, due_at = DeliveryState.QUEUED, Reason.WAITING_FOR_EARLIER, now + wait
    return left(row.id, state, reason, due_at, attempts=row.attempts_made) if state is not None else None


def vanished_try(batch: Batch, now: datetime) -> AttemptRow:
    """Return the attempt row of a worker that died before it recorded all answers.

    Endpoints without a recorded answer get the message again, with the same id.
    """
    number, detail = max(batch.attempts - 1, 1), "the worker vanished before it recorded every answer"
    unknown = Reason.OUTCOME_UNKNOWN
    return AttemptRow.without_request(number, now, outcome="unknown", reason=unknown, detail=detail, provider=PROVIDER)


def unsigned_try(row: EndpointRow, batch: Batch, now: datetime) -> AttemptRow:
    """Return the attempt row of an endpoint with an undecryptable secret; nothing was posted."""
    number = max(row.attempts_made + 1, batch.attempts)
    detail = "its secret or a header was sealed with a key that is no longer listed: rotate the secret"
    return AttemptRow.without_request(
        number, now, outcome="failed", reason=Reason.SECRET, detail=detail, provider=PROVIDER, key=row.id
    )
