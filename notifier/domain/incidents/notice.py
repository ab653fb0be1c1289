"""The content of a notification: the incident frozen at the time of announcement."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from notifier.domain.incidents.incident import Event, Incident, Window
from notifier.domain.values import Channel, Impact, Status, WebhookType


class MessageKind(StrEnum):
    """The template folder of a message: `templates/<kind>/`."""

    OPENED = "incident_opened"
    UPDATED = "incident_updated"
    RESOLVED = "incident_resolved"
    POSTMORTEM = "incident_postmortem"
    MAINTENANCE_SCHEDULED = "maintenance_scheduled"
    MAINTENANCE_MOVED = "maintenance_moved"
    MAINTENANCE_REMINDER = "maintenance_reminder"
    MAINTENANCE_STARTED = "maintenance_started"
    MAINTENANCE_UPDATED = "maintenance_updated"
    MAINTENANCE_COMPLETED = "maintenance_completed"
    MAINTENANCE_CANCELED = "maintenance_canceled"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeUpdate:
    """One update as announced. `sequence` is this channel's first notification that contains it.

    `created_at` and `next_update_at` as in `Update`, `reminder` as in `Event`. `window` and
    `moved_from` belong to planned work and are shown in its timeline.
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
    reminder: bool = False

    @classmethod
    def of(cls, event: Event, sequence: int) -> "NoticeUpdate":
        """Return an event's update as announced by the notification of that sequence."""
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
            reminder=event.reminder,
        )

    @property
    def ordered_at(self) -> datetime:
        """The time by which updates of an incident are ordered."""
        return self.created_at or self.posted_at


class AnnouncedWindow(NamedTuple):
    """The window of planned work announced by that notification, until a later one moves it."""

    sequence: int
    window: Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """The frozen content of one notification.

    `updates`: everything the channel has announced so far, oldest first, earlier episodes included;
    the last one leads. A recipient last reached by notification `n` sees those with `sequence > n`.
    `episode_start` is the sequence of the episode's first notification; recipients new to the
    episode see those with `sequence > episode_start - 1`. `windows`: the windows of planned work
    that the channel has announced, oldest first, this notification's included.
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
    windows: tuple[AnnouncedWindow, ...] = ()

    @property
    def lead(self) -> NoticeUpdate:
        """The newest update."""
        return self.updates[-1]

    def updates_since(self, sequence: int) -> tuple[NoticeUpdate, ...]:
        """Updates that a recipient last reached by `sequence` has not seen; never empty."""
        return tuple(update for update in self.updates if update.sequence > sequence) or (self.lead,)

    def kind_for(self, since: int) -> MessageKind:
        """Return the message kind for a recipient last reached by notification `since` (0: none)."""
        first = since < self.episode_start
        if first or self.lead.status not in _ANNOUNCING:
            return message_kind(self.lead.status, first=first)
        if self.lead.status is Status.SCHEDULED and self.moved_from(since) is not None and self.incident.window:
            return MessageKind.MAINTENANCE_MOVED
        if self.lead.reminder:
            return MessageKind.MAINTENANCE_REMINDER
        repeats_status = any(
            update.status is self.lead.status for update in self.updates if self._was_announced(update, since)
        )
        return MessageKind.MAINTENANCE_UPDATED if repeats_status else message_kind(self.lead.status, first=False)

    def moved_from(self, since: int) -> Window | None:
        """Return the window a recipient last reached by `since` knows, if it moved since then."""
        if since < self.episode_start or self.lead.status.is_over:
            return None
        known = [item.window for item in self.windows if item.sequence <= since]
        return known[-1] if known and known[-1] != self.incident.window else None

    @property
    def announced_windows(self) -> tuple[AnnouncedWindow, ...]:
        """The windows announced so far; a notice stored by an older version has only its own."""
        own = self.incident.window
        return self.windows or ((AnnouncedWindow(self.sequence, own),) if own is not None else ())

    @property
    def is_milestone(self) -> bool:
        """Whether it says that planned work comes up, starts or moved: anyone notified must learn that."""
        news = self.updates_since(self.sequence - 1)
        starts = any(update.status is Status.IN_PROGRESS or update.reminder for update in news)
        # Recipients who missed the message about the move learn of it from the next announcement.
        moved = {item.window for item in self.windows if item.sequence >= self.episode_start}
        announces = self.lead.status is Status.SCHEDULED and len(moved) > 1
        return starts or announces or self.moved_from(self.sequence - 1) is not None

    def _was_announced(self, update: NoticeUpdate, since: int) -> bool:
        return self.episode_start <= update.sequence <= since


_ANNOUNCING = (Status.SCHEDULED, Status.IN_PROGRESS)  # repeating one announces nothing new
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
    """Return the message kind for a leading status; `first`: it is the reader's first message."""
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
    """Return the webhook `type`: `incident.created` to open an episode, then by status."""
    if notice.lead.reminder and not notice.opens:
        return WebhookType.MAINTENANCE_UPDATED
    return _WEBHOOK_TYPES[message_kind(notice.lead.status, first=notice.opens)]
