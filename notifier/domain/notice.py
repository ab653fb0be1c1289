"""What a notification says: the incident as it was when the channel decided to speak, frozen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from notifier.domain.incident import Incident
from notifier.domain.values import Channel, Impact, Status, WebhookType


class MessageKind(StrEnum):
    """Which template folder words the message: `templates/<kind>/`."""

    OPENED = "incident_opened"
    UPDATED = "incident_updated"
    RESOLVED = "incident_resolved"
    POSTMORTEM = "incident_postmortem"
    MAINTENANCE_SCHEDULED = "maintenance_scheduled"
    MAINTENANCE_STARTED = "maintenance_started"
    MAINTENANCE_UPDATED = "maintenance_updated"
    MAINTENANCE_COMPLETED = "maintenance_completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeUpdate:
    """One update as announced. `sequence` is the notification of this channel that announced it first.

    `created_at` as in `Update`.
    """

    id: str
    status: Status
    impact: Impact
    body: Mapping[str, str]
    posted_at: datetime
    sequence: int
    created_at: datetime | None = None

    @property
    def ordered_at(self) -> datetime:
        """Its place in time among the updates of its incident."""
        return self.created_at or self.posted_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """The frozen content of one notification.

    `updates` holds what the channel announced so far, oldest first, earlier rounds included; the last one leads. A
    recipient whom notification `n` reached last is shown those with `sequence > n`; `round_start` is the sequence of
    the round's first notification, so that who is new to it is shown those with `sequence > round_start - 1`.
    """

    id: str  # public notification id
    channel: Channel
    sequence: int
    incident: Incident
    updates: tuple[NoticeUpdate, ...]
    opens: bool
    closes: bool
    created_at: datetime
    round_start: int = 1

    @property
    def lead(self) -> NoticeUpdate:
        """The newest state."""
        return self.updates[-1]

    def updates_since(self, sequence: int) -> tuple[NoticeUpdate, ...]:
        """Updates a recipient has not seen whom notification `sequence` reached last; never empty."""
        return tuple(update for update in self.updates if update.sequence > sequence) or (self.lead,)

    def kind_for(self, since: int) -> MessageKind:
        """Return which message tells this to a recipient whom notification `since` reached last (0: none did)."""
        return message_kind(self.lead.status, first=since < self.round_start)


_LATER_KINDS = {
    Status.RESOLVED: MessageKind.RESOLVED,
    Status.POSTMORTEM: MessageKind.POSTMORTEM,
    Status.SCHEDULED: MessageKind.MAINTENANCE_SCHEDULED,
    Status.IN_PROGRESS: MessageKind.MAINTENANCE_STARTED,
    Status.VERIFYING: MessageKind.MAINTENANCE_UPDATED,
    Status.COMPLETED: MessageKind.MAINTENANCE_COMPLETED,
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
}


def webhook_type(notice: Notice) -> WebhookType:
    """Return the `type` partners see: `incident.created` for the first notification of a round, then by status."""
    return _WEBHOOK_TYPES[message_kind(notice.lead.status, first=notice.opens)]
