"""Preview: what an event would look like to a reader, without sending or storing anything."""

from collections.abc import Sequence
from datetime import datetime

from notifier.domain.errors import FieldError, InvalidInputError
from notifier.domain.incident import Event
from notifier.domain.notice import Notice, NoticeUpdate
from notifier.domain.values import Channel, Status


def notice_of(events: Sequence[Event], channel: Channel, now: datetime) -> Notice:
    """Return the notification that the last of these events would become, each of them announced by itself.

    Args:
        events: Updates of one incident, in any order.
        channel: Whose notification.
        now: Aware UTC instant of the decision.

    Raises:
        InvalidInputError: the events are of more than one incident.
    """
    ordered = sorted(events, key=lambda event: event.update.posted_at)
    incidents = {event.incident.id for event in ordered}
    if len(incidents) > 1:
        raise InvalidInputError([FieldError("incident.id", "a preview shows one incident at a time")])
    last = ordered[-1]
    return Notice(
        id="ntf_preview",
        channel=channel,
        sequence=len(ordered),
        incident=last.incident,
        updates=tuple(
            NoticeUpdate(
                id=event.update.id,
                status=event.update.status,
                impact=event.incident.impact,
                body=event.update.body,
                posted_at=event.update.posted_at,
                sequence=number,
            )
            for number, event in enumerate(ordered, start=1)
        ),
        opens=len(ordered) == 1,
        closes=last.update.status in (Status.RESOLVED, Status.COMPLETED),
        created_at=now,
    )
