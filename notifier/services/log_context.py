"""Bind ids to every log line of a task, from the ingested event to the sent batch."""

import structlog

from notifier.storage.notifications.notifications import StoredNotification


def bind_log(stored: StoredNotification, **ids: int) -> None:
    """Bind incident, notification, its updates and further `ids` for the rest of this task.

    The next task starts with an empty context (`workers/policy.py`).
    """
    notice = stored.notice
    structlog.contextvars.bind_contextvars(
        incident_id=notice.incident.id,
        notification=notice.id,
        channel=notice.channel.value,
        updates=[item.id for item in notice.updates if item.sequence == notice.sequence],
        **ids,
    )
