"""Defer messages to recipients who are in quiet hours or over their hourly limit.

Planning defers whole batches by time zone (`services/dispatch/plan.py`). This checks a batch again
when it is claimed: it may have waited, be a retry, or exceed a limit. Deferred recipients move to a
batch that is due later, so a newer notification supersedes it like any other, and nothing is
written per recipient.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from notifier.domain.recipients.audience import AudienceContext
from notifier.domain.recipients.do_not_disturb import Bounds, Deferral, deferral
from notifier.domain.values import Channel, Reason
from notifier.services.dispatch.audience_context import context_of
from notifier.storage.database import Connection
from notifier.storage.deliveries import batches, deliveries
from notifier.storage.deliveries.batches import Batch
from notifier.storage.notifications import channel_history
from notifier.storage.notifications.notifications import StoredNotification
from notifier.storage.planning import quiet_hours


def defer_for_quiet_hours(
    connection: Connection, batch: Batch, stored: StoredNotification, *, owner: str, now: datetime
) -> Batch | None:
    """Defer recipients of a claimed batch who must not be disturbed now; None if none are left."""
    if stored.channel is not Channel.EMAIL:
        return batch
    mailboxes = quiet_hours.bounds_of_batch(connection, batch.id)
    if not mailboxes:
        return batch
    context = context_of(stored, channel_history.scopes_of_episode(connection, stored))
    waiting = _judge(connection, mailboxes, stored, context, now)
    if not waiting:
        return batch
    return _part(connection, batch, stored, waiting, owner=owner, now=now)


def _judge(
    connection: Connection,
    mailboxes: Mapping[int, Sequence[Bounds]],
    stored: StoredNotification,
    context: AudienceContext,
    now: datetime,
) -> dict[Deferral, list[int]]:
    """Evaluate every mailbox; count a message against the hourly limit of those that get it."""
    limited = [key for key, found in mailboxes.items() if any(item.max_per_hour is not None for item in found)]
    quiet_hours.lock_limited(connection, limited)
    sent = quiet_hours.sent_to(connection, limited, now=now, without=stored.id)
    waiting: dict[Deferral, list[int]] = defaultdict(list)
    for key, found in mailboxes.items():
        held = deferral(found, sent.get(key, ()), context, now)
        if held is not None:
            waiting[held].append(key)
    kept = {key for keys in waiting.values() for key in keys}
    going = [key for key in limited if key not in kept]
    quiet_hours.count_against_limit(connection, going, stored.id, closes=context.closes, now=now)
    return waiting


def _part(
    connection: Connection,
    batch: Batch,
    stored: StoredNotification,
    waiting: dict[Deferral, list[int]],
    *,
    owner: str,
    now: datetime,
) -> Batch | None:
    """Move deferred recipients to batches due later; release the batch if none remain."""
    left = batch.size - sum(map(len, waiting.values()))
    groups = list(waiting.items())
    if left <= 0:
        last, _ = groups.pop()
        reason = Reason.OUTCOME_UNKNOWN if batch.unknown else last.reason
        until = last.until
        batches.release(
            connection, batch, owner, due_at=until, now=now, reason=reason, queue=stored.queue, counts=False
        )
    for held, keys in groups:
        batch_id = batches.add(
            connection,
            batch,
            size=len(keys),
            due_at=held.until,
            queue=stored.queue,
            attempts=batch.attempts - 1,
            reason=Reason.OUTCOME_UNKNOWN if batch.unknown else held.reason,
            enqueued_at=now,
        )
        deliveries.move(connection, batch.notification_id, keys, batch_id, now=now)
    if left <= 0:
        return None
    quiet_hours.resize(connection, batch, left)
    return replace(batch, size=left)
