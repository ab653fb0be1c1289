"""Recheck a batch that was planned while an earlier message of its incident was being sent.

Without this, a recipient whose earlier message failed at that moment would miss an update or get it
twice.
"""

from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta

from notifier.domain.recipients.audience import exposure_of
from notifier.domain.values import Channel
from notifier.storage.database import Connection
from notifier.storage.deliveries import batches, deliveries
from notifier.storage.deliveries.batches import Batch
from notifier.storage.notifications import channel_history
from notifier.storage.notifications.notifications import StoredNotification

_LOOK_AGAIN = timedelta(milliseconds=500)


def recheck_recipients(
    connection: Connection, batch: Batch, stored: StoredNotification, *, owner: str, now: datetime
) -> Batch | None:
    """Regroup a claimed batch by what has reached its recipients; None if it must wait a moment."""
    if not batch.needs_recheck or stored.channel is Channel.WEBHOOK:
        return batch
    keys = deliveries.keys_in(connection, batch.id)
    prior = channel_history.earlier(connection, stored)
    heard, flying = deliveries.prior_notifications(connection, prior, keys)
    if flying:
        batches.release(connection, batch, owner, due_at=now + _LOOK_AGAIN, now=now, reason=None, counts=False)
        return None
    groups: dict[int, list[int]] = defaultdict(list)
    for key, each in heard.items():
        groups[exposure_of(each, episode_start=stored.notice.episode_start)[1]].append(key)
    stay = groups.pop(batch.since, None)
    if stay is None and groups:
        since, stay = groups.popitem()
        batch = replace(batch, since=since)
    for since, some in groups.items():
        batch_id = batches.add(connection, batch, size=len(some), due_at=now, queue=batch.queue, since=since)
        deliveries.move(connection, batch.notification_id, some, batch_id, now=now)
    size = len(stay or ())
    batches.settle(connection, batch.id, since=batch.since, size=size)
    return replace(batch, needs_recheck=False, size=size)
