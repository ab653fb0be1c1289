"""Ids that every line of a log bears, whoever writes it: from the event that was taken to the batch that was sent."""

import structlog

from notifier.storage.notifications.notifications import StoredNotification


def bind_log(stored: StoredNotification, **ids: int) -> None:
    """Say of what the rest of this task is: the incident, the notification, the updates it tells, and further `ids`.

    The task's end takes it back (`workers/policy.py` begins each task with a clean slate).
    """
    notice = stored.notice
    structlog.contextvars.bind_contextvars(
        incident_id=notice.incident.id,
        notification=notice.id,
        channel=notice.channel.value,
        updates=[item.id for item in notice.updates if item.sequence == notice.sequence],
        **ids,
    )
