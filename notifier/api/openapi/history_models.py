"""Responses about incidents, notifications and deliveries."""

from typing import Any, Literal

from pydantic import AwareDatetime, Field

from notifier.api.openapi.models import ResponseModel
from notifier.domain.values import Channel, ComponentStatus, DeliveryState, Impact, Outcome, Reason, Status


class ComponentOut(ResponseModel):
    """An affected component."""

    key: str = Field(examples=["storefront"])
    status: ComponentStatus | None


class IncidentOut(ResponseModel):
    """An incident after its latest update."""

    id: str = Field(examples=["inc-20220621"])
    title: dict[str, str] = Field(examples=[{"nl": "Verminderde performance", "en": "Degraded performance"}])
    impact: Impact
    status: Status
    components: list[ComponentOut]
    started_at: AwareDatetime | None
    scheduled_for: AwareDatetime | None
    scheduled_until: AwareDatetime | None
    links: list[str]
    created_at: AwareDatetime
    updated_at: AwareDatetime


class UpdateOut(ResponseModel):
    """A timeline entry; `revision` counts its edits."""

    id: str
    status: Status
    impact: Impact
    scheduled_for: AwareDatetime | None = Field(
        description="Planned start as of this update; likewise the next three fields."
    )
    scheduled_until: AwareDatetime | None
    previous_scheduled_for: AwareDatetime | None = Field(
        description="Previous start, if this update rescheduled maintenance."
    )
    previous_scheduled_until: AwareDatetime | None
    body: dict[str, str]
    posted_at: AwareDatetime
    next_update_at: AwareDatetime | None = Field(description="When the next update is promised.")
    received_at: AwareDatetime
    outcome: Outcome
    revision: int
    author: str | None = Field(description="Author of the latest text, as in the audit trail; never shown to readers.")
    notify: bool = Field(description="Whether recipients are notified of it.")
    visible: bool = Field(description="Whether it is public, unless held.")
    held: bool = Field(description="The update or an edit of it is held for approval or canceled, and not public.")


class AutomationOut(ResponseModel):
    """What planned work does by itself: its own wishes, and `[maintenance]` for the rest."""

    remind: list[float] = Field(description="Seconds before the window.")
    start: bool
    complete: bool
    repeat: str | None = Field(description="RFC 5545 recurrence rule.")


class IncidentWithTimeline(IncidentOut):
    """An incident with its updates, oldest first."""

    automation: AutomationOut | None = Field(description="Null for a disruption.")
    updates: list[UpdateOut]


class NotificationOut(ResponseModel):
    """One decision to notify one audience on one channel."""

    id: str = Field(examples=["ntf_01g63e5n1c8r3w2k5v7x9z0abc"])
    incident_id: str
    sequence: int = Field(description="Position among the messages about the incident on this channel; 0 while held.")
    round: int = Field(description="Starts at 1; increases each time the incident is reopened.")
    channel: Channel
    update_ids: list[str]
    urgency: str
    state: str = Field(description="`planning`, `planned`; `held` until approved, `canceled`, `superseded`.")
    held_because: str | None = Field(
        description="The setting of `[guard]` that holds it: `needs_announce`, `hold_older_than`, `hold_above`."
    )
    created_at: AwareDatetime
    planned_at: AwareDatetime | None
    counts: dict[DeliveryState, int] = Field(examples=[{"accepted": 998, "bounced": 2}])


class HeldOut(NotificationOut):
    """A notification held for approval, with its text."""

    title: dict[str, str]
    impact: Impact
    status: Status
    body: dict[str, str]


class DecidedOut(ResponseModel):
    """The result of a release or cancellation."""

    id: str = Field(examples=["ntf_01g63e5n1c8r3w2k5v7x9z0abc"])
    state: str = Field(examples=["planning", "canceled"])


class DeliveryOut(ResponseModel):
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


class EndpointDeliveryOut(DeliveryOut):
    """One message to an endpoint; `number` is its position in the list."""

    number: int


class RequestOut(ResponseModel):
    """The request: secrets and signatures are omitted, custom header values masked.

    `headers` lack what is new at each attempt (`webhook-timestamp`, `webhook-signature`).
    """

    method: str = Field(examples=["POST"])
    url: str
    headers: dict[str, str] = Field(examples=[{"content-type": "application/json", "webhook-id": "dlv_..."}])
    body: str


class AttemptOut(ResponseModel):
    """One attempt; `outcome` is accepted, retry, failed, unknown or divided."""

    number: int
    started_at: AwareDatetime
    duration_ms: int
    outcome: str
    reason: Reason | None
    status: int | None
    detail: str
    answer: str | None = Field(description="Start of the endpoint's response, at most 1 kB.")
    provider: str


class DeliveryWithAttempts(DeliveryOut):
    """A delivery with its attempts, oldest first, and for webhooks the request."""

    request: RequestOut | None
    attempts: list[AttemptOut]


class RuleOut(ResponseModel):
    """One applied rule. `wait` means delayed, by quiet hours or the hourly limit."""

    rule: str = Field(examples=["min_impact"])
    seen: str = Field(examples=["impact=minor min_impact=major"])
    passed: bool
    verdict: Literal["pass", "wait", "stop"]


class EvidenceOut(ResponseModel):
    """A report by the provider about a delivery."""

    kind: str = Field(examples=["bounce"])
    at: AwareDatetime
    facts: dict[str, Any]


class ExplainedDelivery(ResponseModel):
    """The outcome of a message. `told_since`: the last message received before it; 0: none."""

    id: str
    state: DeliveryState
    reason: Reason | None
    provider: str | None
    provider_message_id: str | None
    next_attempt_at: AwareDatetime | None
    updated_at: AwareDatetime | None
    told_since: int
    attempts: list[dict[str, Any]]
    evidence: list[EvidenceOut]


class ExplainedNotification(ResponseModel):
    """One message that was, or was not, sent to this recipient; `words` can be forwarded to them."""

    notification_id: str
    channel: Channel
    subscriber: str | None = Field(
        description="External id of the subscriber; null for an account or an endpoint without one."
    )
    recipient: str = Field(description="Address, endpoint id or account name.")
    sequence: int
    status: Status
    update_ids: list[str]
    decided_at: AwareDatetime
    told: bool | None = Field(description="Whether they were notified; null: deleted by `[retention]`.")
    replaced_by: int | None = Field(description="The message that replaced this one before it was sent.")
    rules: list[RuleOut]
    delivery: ExplainedDelivery | None
    words: str


class ExplainedUpdate(ResponseModel):
    """What coalescing did with one update on one channel; `sequence` is the message with it, null: none.

    The recipient asked about may not be in that message's audience: see `words`.
    """

    id: str
    channel: Channel
    status: Status
    posted_at: AwareDatetime
    author: str | None = Field(description="Author, as in the audit trail; not part of `words`.")
    sequence: int | None
    told_with: list[str]
    words: str


class ChangeOut(ResponseModel):
    """A change of subscriber or endpoint since the first announcement: rules use the current state."""

    at: AwareDatetime
    action: str
    actor: str
    detail: dict[str, Any]


class ExplanationOut(ResponseModel):
    """Why someone was, or was not, notified."""

    incident_id: str
    subscriber: str = Field(
        description="External id (of the oldest, if several share an address), endpoint id or account."
    )
    summary: str
    notifications: list[ExplainedNotification]
    updates: list[ExplainedUpdate]
    changes: list[ChangeOut]


class ClosureException(ResponseModel):
    """Someone notified of the start but not of the end. `recipient`: external id, endpoint id or account name."""

    recipient: str
    channel: Channel
    reason: str = Field(examples=["waiting: quiet hours until 2026-11-25T06:00:00Z", "bounced"])


class ClosedIncident(ResponseModel):
    """A closed incident. Recipients count once per channel and address.

    Recipients of ends only count as notified of the start if they were in scope while it ran.
    """

    id: str
    told_start: int | None = Field(description="Null where `pruned`.")
    told_end: int | None = Field(description="Null where `pruned`.")
    exceptions: list[ClosureException]
    pruned: bool = Field(
        default=False, description="The deliveries were deleted by `[retention]`: recipients are no longer known."
    )


class ClosureOut(ResponseModel):
    """Whether everyone notified of the start was notified of the end."""

    incidents: list[ClosedIncident]


class CountOut(ResponseModel):
    """Number of deliveries that would be resent."""

    count: int


class ReplayedOut(ResponseModel):
    """Number of deliveries queued to be resent."""

    replayed: int
