"""A batch whose attempts never end: each worker vanishes over it, or meets a fault of ours. That must have an end."""

import logging
from datetime import datetime

from sqlalchemy import Connection

from notifier.domain.retry import most_attempts
from notifier.domain.values import DeliveryState, Reason
from notifier.storage import attempts, batches, deliveries, hook_batches
from notifier.storage.attempts import AttemptRow
from notifier.storage.batches import Batch
from notifier.storage.deliveries import Departure

_log = logging.getLogger(__name__)


def gave_up(connection: Connection, batch: Batch, owner: str, now: datetime) -> bool:
    """Give a claimed batch up that was tried more often than any failure is repeated; whoever took it keeps it.

    Returns False where it is to be tried.
    """
    if batch.attempts <= most_attempts(batch.channel):
        return False
    taken = hook_batches.taken_before(connection, batch.id)
    leave = [Departure(recipient_key=key, state=DeliveryState.ACCEPTED, attempts=1) for key in sorted(taken)]
    deliveries.depart(connection, batch.notification_id, leave, now)
    attempts.add(
        connection,
        batch,
        [
            AttemptRow(
                recipient_key=None,
                number=batch.attempts,
                started_at=now,
                duration_ms=0,
                outcome="failed",
                reason=Reason.GAVE_UP,
                status=None,
                detail="no attempt ever came to an end: see the workers' logs",
                provider=batch.provider or "worker",
            )
        ],
    )
    batches.finish(connection, batch, owner, state=DeliveryState.FAILED, reason=Reason.GAVE_UP, now=now)
    hook_batches.unblock(connection, batch.notification_id, batch.id, now)
    _log.error("gave a batch up", extra={"batch_id": batch.id, "reason": Reason.GAVE_UP.value})
    return True
