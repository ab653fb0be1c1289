"""What the calls about providers and progress answer."""

from typing import Literal

from pydantic import AwareDatetime, Field

from notifier.api.openapi.models import Shape
from notifier.domain.providers.breaker import ProviderState
from notifier.domain.values import Channel, DeliveryState, Reason


class ProviderErrorShape(Shape):
    """What a provider answered last that was no success."""

    reason: Reason
    status: int | None = Field(description="Its HTTP status or SMTP code; null where it answered nothing.")
    detail: str = Field(description="Its own words, without secrets and addresses.")
    at: AwareDatetime


class ProviderShape(Shape):
    """How a mail provider or a social account stands."""

    name: str
    kind: Literal[Channel.EMAIL, Channel.SOCIAL]
    label: str = Field(description="How people call it.", examples=["SendGrid", "X account x-nl"])
    state: ProviderState = Field(
        description="`failing`: asked every two seconds by one batch; `stopped`: a person must act, asked every minute."
    )
    since: AwareDatetime | None = Field(description="When the state began; null: it never failed.")
    last_error: ProviderErrorShape | None
    next_probe_at: AwareDatetime | None = Field(description="When it is asked next, while it fails.")


class ChannelProgressShape(Shape):
    """How far the newest message of a channel has come."""

    notification_id: str
    sequence: int
    state: Literal["planning", "planned", "held"] = Field(
        description="`planning`: its recipients are still being listed; `held`: it waits for a person."
    )
    created_at: AwareDatetime
    recipients: int
    told: int
    waiting: int
    why: dict[str, int] = Field(
        description="What those who wait wait for: `queued`, `sending`, `retry`, `provider_stopped`, `rate_limited`, "
        "`in_doubt`, `quiet_hours`, `hourly_limit`, `translation`, `earlier_message`, `held`."
    )
    ended: dict[DeliveryState, int] = Field(description="Those who are not told by it, by state.")
    first_told_at: AwareDatetime | None
    last_told_at: AwareDatetime | None
    next_attempt_at: AwareDatetime | None


class ProgressShape(Shape):
    """How far the telling of an incident has come."""

    incident_id: str
    channels: dict[Channel, ChannelProgressShape]


class RetriedShape(Shape):
    """How many deliveries are due now."""

    count: int
