"""The closed vocabularies of the product. Spelled alike in code, tables, API, logs and metrics (docs/glossary.md)."""

from enum import StrEnum


class Channel(StrEnum):
    """A way out. Coalescing happens per channel; X, Mastodon and Bluesky are platforms of `social`."""

    EMAIL = "email"
    SOCIAL = "social"
    WEBHOOK = "webhook"


class Platform(StrEnum):
    """A social network an account lives on."""

    X = "x"
    MASTODON = "mastodon"
    BLUESKY = "bluesky"


class Status(StrEnum):
    """What an update says about its incident (first five) or its maintenance window (last five)."""

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
        """Whether the disruption or the maintenance is over with this update."""
        return self in _CLOSING

    @property
    def is_over(self) -> bool:
        """Whether the incident belongs to the past: it was closed, or looked back upon."""
        return self in _CLOSING or self is Status.POSTMORTEM

    @property
    def is_maintenance(self) -> bool:
        """Whether the status belongs to a maintenance window rather than to a disruption.

        The only place where that is decided: impact follows status (`domain/incidents/snapshot.py`). A postmortem
        belongs to either, as the updates before it say.
        """
        return self in _MAINTENANCE


_CLOSING = frozenset({Status.RESOLVED, Status.COMPLETED, Status.CANCELED})
_MAINTENANCE = frozenset({Status.SCHEDULED, Status.IN_PROGRESS, Status.VERIFYING, Status.COMPLETED, Status.CANCELED})


class Impact(StrEnum):
    """How bad it is. `maintenance` stands apart from the scale: it is planned."""

    NONE = "none"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"
    MAINTENANCE = "maintenance"

    @property
    def rank(self) -> int:
        """Place on the scale none (0) to critical (3); maintenance ranks as none."""
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
    """Why somebody listens."""

    MERCHANT = "merchant"
    FOLLOWER = "follower"
    PARTNER = "partner"


class SubscriberState(StrEnum):
    """A subscriber's life: only `active` ones are told anything."""

    PENDING = "pending"
    ACTIVE = "active"
    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"


class UpdateLevel(StrEnum):
    """How much of an incident a recipient wants to hear (the preference `updates`)."""

    ALL = "all"
    MILESTONES = "milestones"
    RESOLUTION = "resolution"


class Outcome(StrEnum):
    """What became of an event that was handed in."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    STALE = "stale"
    RECORDED = "recorded"


class DeliveryState(StrEnum):
    """States of a delivery, and of a batch as long as its deliveries share one."""

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
        """Whether no further attempt follows (provider feedback may still refine it)."""
        return self not in PENDING


PENDING = (DeliveryState.QUEUED, DeliveryState.SENDING)
ACCEPTED = (DeliveryState.ACCEPTED, DeliveryState.DELIVERED)  # the provider took it


class Reason(StrEnum):
    """Why an attempt did not succeed or a delivery did not happen: a closed set, so that it can label a metric."""

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
    SECRET = "secret"  # noqa: S105 - ours to sign with cannot be opened
    DUPLICATE = "duplicate"
    BREAKER_OPEN = "breaker_open"
    NOT_STARTED = "not_started"
    ENDPOINT_DISABLED = "endpoint_disabled"
    WAITING_FOR_EARLIER = "waiting_for_earlier"
    QUIET_HOURS = "quiet_hours"
    HOURLY_LIMIT = "hourly_limit"
    TRANSLATION = "translation"
    UNSUBSCRIBED = "unsubscribed"
    NOT_WANTED = "not_wanted"  # an endpoint chose other types of messages
    NEWER_UPDATE = "newer_update"
    GAVE_UP = "gave_up"
    FAULT = "fault"  # of ours


class QueueName(StrEnum):
    """Queues: fresh news never waits behind old trouble, so each kind of work has a lane and slots of its own."""

    CONTROL = "control"
    EMAIL = "email"
    SOCIAL = "social"
    WEBHOOK = "webhook"
    RETRY = "retry"
    BULK = "bulk"

    @property
    def is_low_priority(self) -> bool:
        """Whether its work stands back while there is fresh news to tell."""
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
    """Shape of the payload an endpoint asked for."""

    STANDARD = "standard"
    CLOUDEVENTS = "cloudevents"
    STATUSPAGE = "statuspage"
