"""Dead-letter a batch after too many attempts that crashed the worker or hit an internal error."""

from datetime import datetime

from notifier.domain.providers.retry import most_attempts
from notifier.domain.values import DeliveryState, QueueName, Reason
from notifier.observability import get_logger
from notifier.services.isolation import wait_after
from notifier.storage.database import Connection
from notifier.storage.deliveries import attempts, batches, deliveries, webhook_batches
from notifier.storage.deliveries.attempts import AttemptRow
from notifier.storage.deliveries.batches import Batch
from notifier.storage.deliveries.deliveries import DeliveryOverride
from notifier.storage.notifications import notifications
from notifier.storage.operations import alerts

_log = get_logger(__name__)


def dead_letter_if_exhausted(connection: Connection, batch: Batch, owner: str, now: datetime) -> bool:
    """Dead-letter a claimed batch that exceeded its attempts; deliveries already accepted stay so.

    Returns False if the batch is to be attempted.
    """
    if batch.attempts <= most_attempts(batch.channel):
        return False
    _give_up(connection, batch, owner, now, "no attempt ever came to an end: see the workers' logs")
    return True


def count_fault(connection: Connection, batch: Batch, owner: str, now: datetime, fault: Exception) -> None:
    """Count an attempt of a claimed batch that an internal error ended before anything was sent.

    Retries with increasing waits; dead-letters the batch after the usual number of attempts.
    """
    detail = f"{type(fault).__name__}, {batch.attempts} times, before anything was sent; the log has the traceback"
    if batch.attempts >= most_attempts(batch.channel):
        _give_up(connection, batch, owner, now, detail)
        return
    due = now + wait_after(batch.attempts)
    kept = Reason.OUTCOME_UNKNOWN if batch.unknown else Reason.FAULT
    attempts.add(connection, batch, [_line(batch, now, "retry", Reason.FAULT, detail)])
    batches.release(connection, batch, owner, due_at=due, now=now, reason=kept, queue=QueueName.RETRY)
    _raise_alert(connection, batch, detail, now)


def fault_alert_key(notification_id: str) -> str:
    """Return the alert key of a message with an internal error, by its public id."""
    return f"notification:{notification_id}"


def _raise_alert(connection: Connection, batch: Batch, detail: str, now: datetime) -> None:
    public_id = notifications.public_id_of(connection, batch.notification_id)
    alerts.raise_(connection, fault_alert_key(public_id), Reason.FAULT, detail, now)


def _give_up(connection: Connection, batch: Batch, owner: str, now: datetime, detail: str) -> None:
    taken = webhook_batches.taken_before(connection, batch.id)
    leave = [DeliveryOverride(recipient_key=key, state=DeliveryState.ACCEPTED, attempts=1) for key in sorted(taken)]
    deliveries.detach(connection, batch.notification_id, leave, now)
    attempts.add(connection, batch, [_line(batch, now, "failed", Reason.GAVE_UP, detail)])
    batches.finish(connection, batch, owner, state=DeliveryState.FAILED, reason=Reason.GAVE_UP, now=now)
    webhook_batches.unblock(connection, batch.notification_id, batch.id, now)
    _raise_alert(connection, batch, f"given up: {detail}", now)
    _log.error("batch_dead_lettered", batch_id=batch.id, reason=Reason.GAVE_UP.value)


def _line(batch: Batch, now: datetime, outcome: str, reason: Reason, detail: str) -> AttemptRow:
    provider = batch.provider or "worker"
    return AttemptRow.without_request(
        batch.attempts, now, outcome=outcome, reason=reason, detail=detail, provider=provider
    )
