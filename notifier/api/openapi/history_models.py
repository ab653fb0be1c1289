"""What the calls about incidents, notifications and deliveries answer."""

from typing import Any, Literal

from pydantic import AwareDatetime, Field

from notifier.api.openapi.models import Shape
from notifier.domain.values import Channel, ComponentStatus, DeliveryState, Impact, Outcome, Reason, Status


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
    scheduled_for: AwareDatetime | None = Field(description="As this update had it; so are the next three.")
    scheduled_until: AwareDatetime | None
    previous_scheduled_for: AwareDatetime | None = Field(description="Where it moved planned work: from when.")
    previous_scheduled_until: AwareDatetime | None
    body: dict[str, str]
    posted_at: AwareDatetime
    next_update_at: AwareDatetime | None = Field(description="When its author promised the next update.")
    received_at: AwareDatetime
    outcome: Outcome
    revision: int
    author: str | None = Field(description="Who wrote its newest words, as in the audit trail; never shown to readers.")
    notify: bool = Field(description="It was told, or is to be.")
    visible: bool = Field(description="It is shown to the public, unless it is held.")
    held: bool = Field(description="It, or an edit of it, waits for a person, or was called off: nobody sees that.")


class IncidentWithTimeline(IncidentShape):
    """An incident with its updates, oldest first."""

    updates: list[UpdateShape]


class NotificationShape(Shape):
    """One decision to tell one audience on one channel."""

    id: str = Field(examples=["ntf_01g63e5n1c8r3w2k5v7x9z0abc"])
    incident_id: str
    sequence: int = Field(description="Place among the channel's messages about the incident; 0 while it is held.")
    round: int = Field(description="1 from the first announcement, one more each time the incident re-opens.")
    channel: Channel
    update_ids: list[str]
    urgency: str
    state: str = Field(description="`planning`, `planned`; `held` until a person decides, `canceled`, `superseded`.")
    held_because: str | None = Field(
        description="The setting of `[guard]` that holds it: `needs_announce`, `hold_older_than`, `hold_above`."
    )
    created_at: AwareDatetime
    planned_at: AwareDatetime | None
    counts: dict[DeliveryState, int] = Field(examples=[{"accepted": 998, "bounced": 2}])


class HeldShape(NotificationShape):
    """A notification that waits for a person, with the words it would bring."""

    title: dict[str, str]
    impact: Impact
    status: Status
    body: dict[str, str]


class DecidedShape(Shape):
    """What became of a held notification."""

    id: str = Field(examples=["ntf_01g63e5n1c8r3w2k5v7x9z0abc"])
    state: str = Field(examples=["planning", "canceled"])


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


class EndpointDeliveryShape(DeliveryShape):
    """One message to an endpoint; `number` is its place in the list."""

    number: int


class RequestShape(Shape):
    """What is posted: secrets and signatures are left out, values of custom headers masked.

    `headers` lack what is new at each attempt (`webhook-timestamp`, `webhook-signature`).
    """

    method: str = Field(examples=["POST"])
    url: str
    headers: dict[str, str] = Field(examples=[{"content-type": "application/json", "webhook-id": "dlv_..."}])
    body: str


class AttemptShape(Shape):
    """One try; `outcome` is accepted, retry, failed, unknown or divided."""

    number: int
    started_at: AwareDatetime
    duration_ms: int
    outcome: str
    reason: Reason | None
    status: int | None
    detail: str
    answer: str | None = Field(description="The beginning of what a webhook endpoint answered, at most 1 kB.")
    provider: str


class DeliveryWithAttempts(DeliveryShape):
    """A delivery with its tries, oldest first; for a webhook also with the request."""

    request: RequestShape | None
    attempts: list[AttemptShape]


class RuleShape(Shape):
    """One rule as it was applied. `wait` means later, not never: quiet hours, or the most an hour may bring."""

    rule: str = Field(examples=["min_impact"])
    seen: str = Field(examples=["impact=minor min_impact=major"])
    passed: bool
    verdict: Literal["pass", "wait", "stop"]


class EvidenceShape(Shape):
    """What the provider reported of a delivery."""

    kind: str = Field(examples=["bounce"])
    at: AwareDatetime
    facts: dict[str, Any]


class ExplainedDelivery(Shape):
    """What became of the message. `told_since` is the last message they had had by then; 0: none."""

    id: str
    state: DeliveryState
    reason: Reason | None
    provider: str | None
    provider_message_id: str | None
    next_attempt_at: AwareDatetime | None
    updated_at: AwareDatetime | None
    told_since: int
    attempts: list[dict[str, Any]]
    evidence: list[EvidenceShape]


class ExplainedNotification(Shape):
    """One message that was, or was not, for this recipient; `words` can be sent on to them."""

    notification_id: str
    channel: Channel
    subscriber: str | None = Field(
        description="External id of whom it was judged for; null: nobody's endpoint, account."
    )
    recipient: str = Field(description="The address, the id of an endpoint, or the name of an account.")
    sequence: int
    status: Status
    update_ids: list[str]
    decided_at: AwareDatetime
    told: bool | None = Field(description="null: so old that it is forgotten (`[retention]`).")
    replaced_by: int | None = Field(description="The message that replaced this one before it left.")
    rules: list[RuleShape]
    delivery: ExplainedDelivery | None
    words: str


class ExplainedUpdate(Shape):
    """What coalescing did with one update on one channel; `sequence` is the message that told it, null: none did.

    That message may not have been meant for whom is asked about: `words` say so.
    """

    id: str
    channel: Channel
    status: Status
    posted_at: AwareDatetime
    author: str | None = Field(description="Who wrote it, as in the audit trail; not part of `words`.")
    sequence: int | None
    told_with: list[str]
    words: str


class ChangeShape(Shape):
    """A change of subscriber or endpoint since the incident was first announced: the rules see them as they are now."""

    at: AwareDatetime
    action: str
    actor: str
    detail: dict[str, Any]


class ExplanationShape(Shape):
    """Why somebody was, or was not, told."""

    incident_id: str
    subscriber: str = Field(description="External id (of several with one address the oldest), endpoint id or account.")
    summary: str
    notifications: list[ExplainedNotification]
    updates: list[ExplainedUpdate]
    changes: list[ChangeShape]


class ClosureException(Shape):
    """Somebody who was told of the start and not of the end. `recipient`: external id, endpoint id or account name."""

    recipient: str
    channel: Channel
    reason: str = Field(examples=["waiting: quiet hours until 2026-11-25T06:00:00Z", "bounced"])


class ClosedIncident(Shape):
    """An incident that is over. Recipients count once per channel and address.

    Whom only the end is meant for counts as told of the start by having been in scope while it ran.
    """

    id: str
    told_start: int | None = Field(description="Null where `pruned`.")
    told_end: int | None = Field(description="Null where `pruned`.")
    exceptions: list[ClosureException]
    pruned: bool = Field(
        default=False, description="Retention has taken the deliveries away: who got what is not known any more."
    )


class ClosureShape(Shape):
    """Whether everybody who was told that it began was told that it ended."""

    incidents: list[ClosedIncident]


class CountShape(Shape):
    """How many deliveries would be queued again."""

    count: int


class ReplayedShape(Shape):
    """How many deliveries were queued again."""

    replayed: int
