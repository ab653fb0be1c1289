"""What the calls answer, as the OpenAPI page shows it. Answers are written by the use cases, not by these models.

A test holds the two together: every answer of the functional tests is checked against its documented shape.
"""

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from notifier.domain.endpoint import EndpointMode, EndpointState
from notifier.domain.values import (
    Channel,
    ComponentStatus,
    DeliveryState,
    Impact,
    Outcome,
    Reason,
    Status,
    SubscriberKind,
    SubscriberState,
    Wanted,
    WebhookFormat,
    WebhookType,
)


class Shape(BaseModel):
    """Answers may grow: clients ignore members they do not know."""

    model_config = ConfigDict(extra="allow")


class FaultShape(Shape):
    """One fault of the input."""

    field: str = Field(examples=["incident.components.0"])
    message: str = Field(examples=["unknown component 'shop'; known: api, backoffice, checkout, pos, storefront"])


class Problem(Shape):
    """RFC 9457 problem details; `errors` is always there."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str
    errors: list[FaultShape]


class ReceiptShape(Shape):
    """What became of an event."""

    event_id: str = Field(examples=["evt-20220621-1"])
    incident_id: str = Field(examples=["inc-20220621"])
    update_id: str = Field(examples=["upd-1"])
    outcome: Outcome = Field(
        description=(
            "`accepted`: will be announced, now or coalesced. `duplicate`: the same event id, or the same content as "
            "the latest update. `stale`: older than what was announced; kept in the timeline. `recorded`: kept without "
            "being announced."
        )
    )
    reason: str = Field(examples=["will be announced"])


class ForeignReceiptShape(ReceiptShape):
    """What became of another system's news."""

    incident_id: str | None = Field(description="Null where nothing was said about an incident.")  # type: ignore[assignment]
    earlier_updates: int = Field(description="Updates of the timeline that were new here and only recorded.")


class FeedbackShape(Shape):
    """How many events were received, how many of them were new, ignored (of no meaning here) or about no delivery."""

    received: int
    new: int
    ignored: int
    unmatched: int


class ComponentShape(Shape):
    """An affected component."""

    key: str = Field(examples=["storefront"])
    status: ComponentStatus | None


class IncidentShape(Shape):
    """An incident as its newest update left it."""

    id: str = Field(examples=["inc-20220621"])
    title: dict[str, str] = Field(examples=[{"nl": "Verminderde performance", "en": "Degraded performance"}])
    impact: Impact
    status: Status
    components: list[ComponentShape]
    started_at: AwareDatetime | None
    scheduled_for: AwareDatetime | None
    scheduled_until: AwareDatetime | None
    links: list[str]
    created_at: AwareDatetime
    updated_at: AwareDatetime


class UpdateShape(Shape):
    """One entry of a timeline; `revision` counts its edits."""

    id: str
    status: Status
    impact: Impact
    body: dict[str, str]
    posted_at: AwareDatetime
    received_at: AwareDatetime
    outcome: Outcome
    revision: int


class IncidentWithTimeline(IncidentShape):
    """An incident with its updates, oldest first."""

    updates: list[UpdateShape]


class NotificationShape(Shape):
    """One decision to tell one audience on one channel."""

    id: str = Field(examples=["ntf_01g63e5n1c8r3w2k5v7x9z0abc"])
    incident_id: str
    sequence: int
    round: int = Field(description="1 from the first announcement, one more each time the incident re-opens.")
    channel: Channel
    update_ids: list[str]
    urgency: str
    state: str
    created_at: AwareDatetime
    planned_at: AwareDatetime | None
    counts: dict[DeliveryState, int] = Field(examples=[{"accepted": 998, "bounced": 2}])


class DeliveryShape(Shape):
    """One notification to one recipient."""

    id: str = Field(examples=["dlv_01g63e5n1c8r3w2k5v7x9z0abc_aaaaaaaaaaabk"])
    notification_id: str
    incident_id: str
    sequence: int
    channel: Channel
    recipient: str | None = Field(description="External id, endpoint id or account name; null once erased.")
    address: str | None
    locale: str
    state: DeliveryState
    reason: Reason | None
    attempts_made: int
    next_attempt_at: AwareDatetime | None
    provider: str | None
    provider_message_id: str | None
    created_at: AwareDatetime
    updated_at: AwareDatetime | None


class AttemptShape(Shape):
    """One try; `outcome` is accepted, retry, failed, unknown or divided."""

    number: int
    started_at: AwareDatetime
    duration_ms: int
    outcome: str
    reason: Reason | None
    status: int | None
    detail: str
    provider: str


class DeliveryWithAttempts(DeliveryShape):
    """A delivery with its tries, oldest first."""

    attempts: list[AttemptShape]


class RuleShape(Shape):
    """One rule as it was applied."""

    rule: str = Field(examples=["min_impact"])
    seen: str = Field(examples=["impact=minor min_impact=major"])
    passed: bool


class ExplainedDelivery(Shape):
    """What became of the message."""

    id: str
    state: DeliveryState
    reason: Reason | None
    provider: str | None
    provider_message_id: str | None
    updated_at: AwareDatetime | None
    attempts: list[dict[str, Any]]


class ExplainedNotification(Shape):
    """One message that was, or was not, for this subscriber; `words` can be sent on to them."""

    notification_id: str
    sequence: int
    status: Status
    update_ids: list[str]
    decided_at: AwareDatetime
    told: bool
    rules: list[RuleShape]
    delivery: ExplainedDelivery | None
    words: str


class ExplanationShape(Shape):
    """Why a subscriber was, or was not, told."""

    incident_id: str
    subscriber: str
    channel: Channel
    summary: str
    notifications: list[ExplainedNotification]


class ReplayedShape(Shape):
    """How many deliveries were queued again."""

    replayed: int


class QuietHoursShape(Shape):
    """A daily span of local time."""

    start: str = Field(alias="from", examples=["22:00"])
    end: str = Field(alias="to", examples=["07:00"])


class PreferencesShape(Shape):
    """What a subscriber wants to hear."""

    channels: list[Channel]
    components: list[str]
    min_impact: Impact
    updates: Wanted
    maintenance: bool
    quiet_hours: QuietHoursShape | None
    max_per_hour: int | None


class SuppressionShape(Shape):
    """Nothing is sent on this channel."""

    channel: Channel
    reason: str
    since: AwareDatetime
    detail: str


class SubscriberShape(Shape):
    """A subscriber as stored."""

    external_id: str = Field(examples=["shop-1001"])
    kind: SubscriberKind
    email: str | None = Field(examples=["owner@bloemenhuis.example"])
    name: str
    locale: str
    timezone: str
    state: SubscriberState
    preferences: PreferencesShape
    legal_basis: str
    suppressions: list[SuppressionShape]
    created_at: AwareDatetime
    updated_at: AwareDatetime


class EndpointShape(Shape):
    """An endpoint as stored. Values of `headers` are masked."""

    id: str = Field(examples=["end_01g63e5n1c8r3w2k5v7x9z0abc"])
    url: str = Field(examples=["https://partner.example/hooks/status"])
    description: str
    subscriber: str | None
    owner_email: str | None
    components: list[str]
    min_impact: Impact
    updates: Wanted
    types: list[WebhookType]
    format: WebhookFormat
    mode: EndpointMode
    headers: dict[str, str]
    state: EndpointState
    state_reason: str
    failing_since: AwareDatetime | None
    last_success_at: AwareDatetime | None
    disabled_at: AwareDatetime | None
    created_at: AwareDatetime
    updated_at: AwareDatetime


class EndpointWithSecret(EndpointShape):
    """An endpoint with its signing secret, shown this once."""

    secret: str = Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])


class TestShape(Shape):
    """What came of a test."""

    __test__ = False  # no test of ours, whatever pytest thinks

    id: str
    succeeded: bool
    status: int | None
    duration_ms: int
    reason: Reason | None
    detail: str


class EndpointTested(EndpointShape):
    """An endpoint with what came of its test."""

    test: TestShape


class AuditShape(Shape):
    """Who changed what, when, from where."""

    id: int
    at: AwareDatetime
    actor: str = Field(examples=["key:crm"])
    origin: str = Field(examples=["192.0.2.7"])
    action: str = Field(examples=["subscriber.changed"])
    object_kind: str = Field(examples=["subscriber"])
    object_id: str = Field(examples=["shop-1001"])
    detail: dict[str, Any] = Field(examples=[{"preferences.min_impact": ["minor", "major"]}])


class LiveShape(Shape):
    """The process runs."""

    status: Literal["ok"]


class ReadyShape(Shape):
    """`ok` per store, or one sentence about what is wrong."""

    status: Literal["ok", "unavailable"]
    checks: dict[str, str] = Field(examples=[{"database": "ok", "broker": "ok"}])
