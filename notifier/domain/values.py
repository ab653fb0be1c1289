"""The product's enums, spelled alike in code, tables, API, logs and metrics (docs/glossary.md)."""

from enum import StrEnum


class Channel(StrEnum):
    """A delivery channel. Coalescing is per channel; X, Mastodon and Bluesky belong to `social`."""

    EMAIL = "email"
    SOCIAL = "social"
    WEBHOOK = "webhook"


class Platform(StrEnum):
    """The social network of an account."""

    X = "x"
    MASTODON = "mastodon"
    BLUESKY = "bluesky"


class Status(StrEnum):
    """Status of an incident (first five) or of a maintenance window (last five)."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
    POSTMORTEM = "postmortem"
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    VERIFYING = "verifying"
    COMPLETED = "completed"
    CANCELED = "canceled"

    @property
    def closes(self) -> bool:
        """Whether this update ends the disruption or the maintenance."""
        return self in _CLOSING

    @property
    def is_over(self) -> bool:
        """Whether the incident is over: closed, or in postmortem."""
        return self in _CLOSING or self is Status.POSTMORTEM

    @property
    def is_maintenance(self) -> bool:
        """Whether the status is one of maintenance rather than of a disruption.

        Only decided here: impact follows status (`domain/incidents/snapshot.py`). A postmortem can
        belong to either, depending on the updates before it.
        """
        return self in _MAINTENANCE


_CLOSING = frozenset({Status.RESOLVED, Status.COMPLETED, Status.CANCELED})
_MAINTENANCE = frozenset({Status.SCHEDULED, Status.IN_PROGRESS, Status.VERIFYING, Status.COMPLETED, Status.CANCELED})


class Impact(StrEnum):
    """Severity of an incident. `maintenance` is not on the scale: it is planned."""

    NONE = "none"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"
    MAINTENANCE = "maintenance"

    @property
    def rank(self) -> int:
        """Rank from none (0) to critical (3); maintenance ranks as none."""
        return _IMPACT_RANK[self]


_IMPACT_RANK = {Impact.NONE: 0, Impact.MAINTENANCE: 0, Impact.MINOR: 1, Impact.MAJOR: 2, Impact.CRITICAL: 3}


class ComponentStatus(StrEnum):
    """Health of one component."""

    OPERATIONAL = "operational"
    DEGRADED_PERFORMANCE = "degraded_performance"
    PARTIAL_OUTAGE = "partial_outage"
    MAJOR_OUTAGE = "major_outage"
    UNDER_MAINTENANCE = "under_maintenance"


class SubscriberKind(StrEnum):
    """The kind of a subscriber."""

    MERCHANT = "merchant"
    FOLLOWER = "follower"
    PARTNER = "partner"


class SubscriberState(StrEnum):
    """State of a subscriber: only `active` ones are notified."""

    PENDING = "pending"
    ACTIVE = "active"
    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"


class UpdateLevel(StrEnum):
    """Which updates of an incident a recipient wants (the preference `updates`)."""

    ALL = "all"
    MILESTONES = "milestones"
    RESOLUTION = "resolution"


class Outcome(StrEnum):
    """Outcome of a submitted event."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    STALE = "stale"
    RECORDED = "recorded"


class DeliveryState(StrEnum):
    """States of a delivery, and of a batch while its deliveries share one."""

    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    SUPERSEDED = "superseded"
    CANCELED = "canceled"

    @property
    def is_final(self) -> bool:
        """Whether no further attempt follows (provider events may still refine it)."""
        return self not in PENDING


PENDING = (DeliveryState.QUEUED, DeliveryState.SENDING)
ACCEPTED = (DeliveryState.ACCEPTED, DeliveryState.DELIVERED)  # the provider accepted it


class Reason(StrEnum):
    """Why an attempt failed or a delivery did not happen: a closed set, so it can label metrics."""

    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    OUTCOME_UNKNOWN = "outcome_unknown"
    REJECTED = "rejected"
    BAD_ADDRESS = "bad_address"
    TOO_LARGE = "too_large"
    AUTH = "auth"
    REDIRECTED = "redirected"
    BLOCKED_TARGET = "blocked_target"
    GONE = "gone"
    SECRET = "secret"  # noqa: S105 - our signing secret cannot be decrypted
    DUPLICATE = "duplicate"
    BREAKER_OPEN = "breaker_open"
    NOT_STARTED = "not_started"
    ENDPOINT_DISABLED = "endpoint_disabled"
    WAITING_FOR_EARLIER = "waiting_for_earlier"
    QUIET_HOURS = "quiet_hours"
    HOURLY_LIMIT = "hourly_limit"
    TRANSLATION = "translation"
    UNSUBSCRIBED = "unsubscribed"
    NOT_WANTED = "not_wanted"  # the endpoint chose other types of messages
    NEWER_UPDATE = "newer_update"
    GAVE_UP = "gave_up"
    FAULT = "fault"  # a bug or fault on our side


class QueueName(StrEnum):
    """Queues by priority class: first attempts are never queued behind retries."""

    CONTROL = "control"
    EMAIL = "email"
    SOCIAL = "social"
    WEBHOOK = "webhook"
    RETRY = "retry"
    BULK = "bulk"

    @property
    def is_low_priority(self) -> bool:
        """Whether its work yields while first attempts wait."""
        return self in (QueueName.RETRY, QueueName.BULK)


class WebhookType(StrEnum):
    """`type` of a webhook payload."""

    CREATED = "incident.created"
    UPDATED = "incident.updated"
    RESOLVED = "incident.resolved"
    POSTMORTEM = "incident.postmortem"
    MAINTENANCE_SCHEDULED = "maintenance.scheduled"
    MAINTENANCE_STARTED = "maintenance.started"
    MAINTENANCE_UPDATED = "maintenance.updated"
    MAINTENANCE_COMPLETED = "maintenance.completed"
    MAINTENANCE_CANCELED = "maintenance.canceled"
    TEST = "endpoint.test"


class WebhookFormat(StrEnum):
    """Payload format of an endpoint."""

    STANDARD = "standard"
    CLOUDEVENTS = "cloudevents"
    STATUSPAGE = "statuspage"
