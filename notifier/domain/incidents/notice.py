"""What a notification says: the incident as it was when the channel decided to speak, frozen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from notifier.domain.incidents.incident import Event, Incident, Window
from notifier.domain.values import Channel, Impact, Status, WebhookType


class MessageKind(StrEnum):
    """Which template folder words the message: `templates/<kind>/`."""

    OPENED = "incident_opened"
    UPDATED = "incident_updated"
    RESOLVED = "incident_resolved"
    POSTMORTEM = "incident_postmortem"
    MAINTENANCE_SCHEDULED = "maintenance_scheduled"
    MAINTENANCE_MOVED = "maintenance_moved"
    MAINTENANCE_STARTED = "maintenance_started"
    MAINTENANCE_UPDATED = "maintenance_updated"
    MAINTENANCE_COMPLETED = "maintenance_completed"
    MAINTENANCE_CANCELED = "maintenance_canceled"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeUpdate:
    """One update as announced. `sequence` is the notification of this channel that announced it first.

    `created_at` and `next_update_at` as in `Update`. `window` and `moved_from` are those of planned work, where its
    timeline is shown.
    """

    id: str
    status: Status
    impact: Impact
    body: Mapping[str, str]
    posted_at: datetime
    sequence: int
    created_at: datetime | None = None
    next_update_at: datetime | None = None
    window: Window | None = None
    moved_from: Window | None = None

    @classmethod
    def of(cls, event: Event, sequence: int) -> "NoticeUpdate":
        """Return an event's update as a notification of that sequence announces it."""
        update = event.update
        return cls(
            id=update.id,
            status=update.status,
            impact=event.incident.impact,
            body=update.body,
            posted_at=update.posted_at,
            sequence=sequence,
            created_at=update.created_at,
            next_update_at=update.next_update_at,
        )

    @property
    def ordered_at(self) -> datetime:
        """Its place in time among the updates of its incident."""
        return self.created_at or self.posted_at


class ToldWindow(NamedTuple):
    """The window of planned work that a channel's notification of that sequence told, until a later one moves it."""

    sequence: int
    window: Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """The frozen content of one notification.

    `updates` holds what the channel announced so far, oldest first, earlier rounds included; the last one leads. A
    recipient whom notification `n` reached last is shown those with `sequence > n`; `episode_start` is the sequence of
    the round's first notification, so that who is new to it is shown those with `sequence > episode_start - 1`.
    `windows` are those that the channel told of planned work, oldest first, this notification's included.
    """

    id: str  # public notification id
    channel: Channel
    sequence: int
    incident: Incident
    updates: tuple[NoticeUpdate, ...]
    opens: bool
    closes: bool
    created_at: datetime
    episode_start: int = 1
    windows: tuple[ToldWindow, ...] = ()

    @property
    def lead(self) -> NoticeUpdate:
        """The newest state."""
        return self.updates[-1]

    def updates_since(self, sequence: int) -> tuple[NoticeUpdate, ...]:
        """Updates a recipient has not seen whom notification `sequence` reached last; never empty."""
        return tuple(update for update in self.updates if update.sequence > sequence) or (self.lead,)

    def kind_for(self, since: int) -> MessageKind:
        """Return which message tells this to a recipient whom notification `since` reached last (0: none did)."""
        first = since < self.episode_start
        if first or self.lead.status not in _ANNOUNCING:
            return message_kind(self.lead.status, first=first)
        if self.lead.status is Status.SCHEDULED and self.moved_from(since) is not None and self.incident.window:
            return MessageKind.MAINTENANCE_MOVED
        said = any(update.status is self.lead.status for update in self.updates if self._was_told(update, since))
        return MessageKind.MAINTENANCE_UPDATED if said else message_kind(self.lead.status, first=False)

    def moved_from(self, since: int) -> Window | None:
        """Return the window that a recipient was told whom notification `since` reached last, if it was moved since."""
        if since < self.episode_start or self.lead.status.is_over:
            return None
        told = [item.window for item in self.windows if item.sequence <= since]
        return told[-1] if told and told[-1] != self.incident.window else None

    @property
    def told_windows(self) -> tuple[ToldWindow, ...]:
        """The windows that its channel has told; one that an older version wrote knows its own alone."""
        own = self.incident.window
        return self.windows or ((ToldWindow(self.sequence, own),) if own is not None else ())

    @property
    def is_milestone(self) -> bool:
        """Whether it tells of planned work what nobody may miss who was told of it: that it starts, or was moved."""
        starts = any(update.status is Status.IN_PROGRESS for update in self.updates_since(self.sequence - 1))
        # Who was not reached by the message that moved it learns of it by the next announcement.
        moved = {item.window for item in self.windows if item.sequence >= self.episode_start}
        announces = self.lead.status is Status.SCHEDULED and len(moved) > 1
        return starts or announces or self.moved_from(self.sequence - 1) is not None

    def _was_told(self, update: NoticeUpdate, since: int) -> bool:
        return self.episode_start <= update.sequence <= since


_ANNOUNCING = (Status.SCHEDULED, Status.IN_PROGRESS)  # what a second update says again is no second announcement
_LATER_KINDS = {
    Status.RESOLVED: MessageKind.RESOLVED,
    Status.POSTMORTEM: MessageKind.POSTMORTEM,
    Status.SCHEDULED: MessageKind.MAINTENANCE_SCHEDULED,
    Status.IN_PROGRESS: MessageKind.MAINTENANCE_STARTED,
    Status.VERIFYING: MessageKind.MAINTENANCE_UPDATED,
    Status.COMPLETED: MessageKind.MAINTENANCE_COMPLETED,
    Status.CANCELED: MessageKind.MAINTENANCE_CANCELED,
}


def message_kind(status: Status, *, first: bool) -> MessageKind:
    """Return the kind of message for a leading status; `first` when its reader has heard nothing before."""
    return _LATER_KINDS.get(status, MessageKind.OPENED if first else MessageKind.UPDATED)


_WEBHOOK_TYPES = {
    MessageKind.OPENED: WebhookType.CREATED,
    MessageKind.UPDATED: WebhookType.UPDATED,
    MessageKind.RESOLVED: WebhookType.RESOLVED,
    MessageKind.POSTMORTEM: WebhookType.POSTMORTEM,
    MessageKind.MAINTENANCE_SCHEDULED: WebhookType.MAINTENANCE_SCHEDULED,
    MessageKind.MAINTENANCE_STARTED: WebhookType.MAINTENANCE_STARTED,
    MessageKind.MAINTENANCE_UPDATED: WebhookType.MAINTENANCE_UPDATED,
    MessageKind.MAINTENANCE_COMPLETED: WebhookType.MAINTENANCE_COMPLETED,
    MessageKind.MAINTENANCE_CANCELED: WebhookType.MAINTENANCE_CANCELED,
}


def webhook_type(notice: Notice) -> WebhookType:
    """Return the `type` partners see: `incident.created` for the first notification of a round, then by status."""
    return _WEBHOOK_TYPES[message_kind(notice.lead.status, first=notice.opens)]
