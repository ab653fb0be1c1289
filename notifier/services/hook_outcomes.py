"""What the answers to webhooks make of their deliveries: pure decisions, and the ledger's line about each try."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from notifier.channels.webhook import NotAttemptedError
from notifier.domain.errors import DeliveryError, PermanentDeliveryError
from notifier.domain.message import HookResult
from notifier.domain.retry import GiveUp, after_failure
from notifier.domain.values import Channel, DeliveryState, Reason
from notifier.storage.attempts import AttemptRow
from notifier.storage.deliveries import Departure

PROVIDER = "webhook"
_NOT_STARTED_WAIT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One endpoint's part in a batch: which try this is, and whether it can share the batch's state if it succeeds."""

    number: int
    shares: bool


def left(
    key: int,
    state: DeliveryState,
    reason: Reason | None,
    due_at: datetime | None = None,
    *,
    attempts: int | None = None,
) -> Departure:
    """Return the departure of a delivery that is not posted with its batch."""
    return Departure(recipient_key=key, state=state, reason=reason, due_at=due_at, attempts=attempts)


def departure(result: HookResult, number: int, now: datetime, spread: Callable[[], float]) -> Departure:
    """Decide what becomes of a delivery after try `number` (from 1).

    Raises:
        Exception: the result holds an error that is none of ours: a bug.
    """
    error = result.error
    if error is None:
        return Departure(recipient_key=result.endpoint_id, state=DeliveryState.ACCEPTED, attempts=number)
    if not isinstance(error, DeliveryError):
        raise error
    if isinstance(error, NotAttemptedError):  # nothing was sent, so nothing was used up
        due = now + (error.retry_after or _NOT_STARTED_WAIT)
        return _waiting(result, error.reason, due, number - 1)
    follows = after_failure(Channel.WEBHOOK, number, error, spread=spread())
    if isinstance(follows, GiveUp):
        reason = error.reason if isinstance(error, PermanentDeliveryError) else Reason.GAVE_UP
        state = DeliveryState.FAILED
        return Departure(recipient_key=result.endpoint_id, state=state, reason=reason, attempts=number)
    return _waiting(result, error.reason, now + follows.wait, number)


def _waiting(result: HookResult, reason: Reason, due_at: datetime, attempts: int) -> Departure:
    state = DeliveryState.QUEUED
    return Departure(recipient_key=result.endpoint_id, state=state, reason=reason, due_at=due_at, attempts=attempts)


def line(result: HookResult, number: int) -> AttemptRow:
    """Return the ledger's line about a try."""
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
