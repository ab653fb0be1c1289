"""Responses about subscribers and endpoints."""

from typing import Literal

from pydantic import AwareDatetime, Field

from notifier.api.openapi.models import ResponseModel
from notifier.domain.recipients.endpoint import EndpointMode, EndpointState, SignatureKind
from notifier.domain.values import (
    Channel,
    Impact,
    Reason,
    SubscriberKind,
    SubscriberState,
    UpdateLevel,
    WebhookFormat,
    WebhookType,
)


class QuietHoursOut(ResponseModel):
    """A daily period of local time."""

    start: str = Field(alias="from", examples=["22:00"])
    end: str = Field(alias="to", examples=["07:00"])


class PreferencesOut(ResponseModel):
    """What a subscriber wants to receive."""

    channels: list[Channel]
    components: list[str]
    min_impact: Impact
    updates: UpdateLevel
    maintenance: bool
    quiet_hours: QuietHoursOut | None
    max_per_hour: int | None


class SuppressionOut(ResponseModel):
    """Nothing is sent on this channel."""

    channel: Channel
    reason: str
    since: AwareDatetime
    detail: str


class SignUpOut(ResponseModel):
    """The same for every address, so that it does not reveal whether an address is known."""

    outcome: Literal["confirmation_needed"]
    valid_hours: int = Field(description="Validity of the link in the mail.", examples=[48])


class SubscriberOut(ResponseModel):
    """A subscriber as stored."""

    external_id: str = Field(examples=["shop-1001"])
    kind: SubscriberKind
    email: str | None = Field(examples=["owner@bloemenhuis.example"])
    name: str
    locale: str
    timezone: str
    state: SubscriberState
    preferences: PreferencesOut
    legal_basis: str
    suppressions: list[SuppressionOut]
    created_at: AwareDatetime
    updated_at: AwareDatetime


class EndpointOut(ResponseModel):
    """An endpoint as stored. Values of `headers` are masked."""

    id: str = Field(examples=["end_01g63e5n1c8r3w2k5v7x9z0abc"])
    url: str = Field(examples=["https://partner.example/hooks/status"])
    description: str
    subscriber: str | None
    owner_email: str | None
    components: list[str]
    min_impact: Impact
    updates: UpdateLevel
    types: list[WebhookType]
    format: WebhookFormat
    mode: EndpointMode
    headers: dict[str, str]
    state: EndpointState
    signature: SignatureKind
    public_key: str | None = Field(description="`whpk_...`: verifies `v1a` signatures, if the endpoint uses `ed25519`.")
    state_reason: str
    failing_since: AwareDatetime | None
    last_success_at: AwareDatetime | None
    disabled_at: AwareDatetime | None
    created_at: AwareDatetime
    updated_at: AwareDatetime


class EndpointWithSecret(EndpointOut):
    """An endpoint with its signing secret, shown only once; null if `public_key` is used instead."""

    secret: str | None = Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])


class TestOut(ResponseModel):
    """The result of a test."""

    __test__ = False  # keeps pytest from collecting it

    id: str
    succeeded: bool
    status: int | None
    duration_ms: int
    reason: Reason | None
    detail: str


class EndpointTested(EndpointOut):
    """An endpoint with the result of its test."""

    test: TestOut
