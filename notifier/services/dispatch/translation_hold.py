"""Delay a batch while its translation is awaited; rule: `domain/incidents/translation.py`."""

from collections.abc import Mapping
from datetime import datetime

from notifier.domain.incidents.translation import TranslationRule, held_until
from notifier.domain.values import Channel, Reason
from notifier.storage.database import Connection
from notifier.storage.deliveries import batches
from notifier.storage.deliveries.batches import Batch
from notifier.storage.notifications.notifications import StoredNotification


def wait_for_translation(
    connection: Connection,
    batch: Batch,
    stored: StoredNotification,
    rules: Mapping[Channel, TranslationRule],
    *,
    owner: str,
    now: datetime,
) -> Batch | None:
    """Release a claimed batch whose translation is still awaited and return None, else return it.

    Not after a first attempt: a text that may be public already is repeated unchanged.
    """
    rule = rules.get(stored.channel)
    if rule is None or batch.unknown or batch.attempts > 1:
        return batch
    until = held_until(rule, stored.notice, batch.locale, batch.since)
    if until is None or until <= now:
        return batch
    batches.release(
        connection, batch, owner, due_at=until, now=now, reason=Reason.TRANSLATION, queue=stored.queue, counts=False
    )
    return None
