"""Responses about providers and progress."""

from typing import Literal

from pydantic import AwareDatetime, Field

from notifier.api.openapi.models import ResponseModel
from notifier.domain.providers.breaker import ProviderState
from notifier.domain.values import Channel, DeliveryState, Reason


class ProviderErrorOut(ResponseModel):
    """The provider's last error."""

    reason: Reason
    status: int | None = Field(description="HTTP status or SMTP code; null if there was no response.")
    detail: str = Field(description="The provider's message, without secrets and addresses.")
    at: AwareDatetime


class ProviderOut(ResponseModel):
    """State of a mail provider or a social account."""

    name: str
    kind: Literal[Channel.EMAIL, Channel.SOCIAL]
    label: str = Field(description="Display name.", examples=["SendGrid", "X account x-nl"])
    state: ProviderState = Field(
        description="`failing`: probed every two seconds; `stopped`: needs an operator, probed each minute."
    )
    since: AwareDatetime | None = Field(description="Start of the state; null: it never failed.")
    last_error: ProviderErrorOut | None
    next_probe_at: AwareDatetime | None = Field(description="Next probe, while it fails.")


class ChannelProgressOut(ResponseModel):
    """Progress of the latest message on a channel."""

    notification_id: str
    sequence: int
    state: Literal["planning", "planned", "held"] = Field(
        description="`planning`: its recipients are still being determined; `held`: it needs approval."
    )
    created_at: AwareDatetime
    recipients: int
    told: int
    waiting: int
    why: dict[str, int] = Field(
        description="Reasons for waiting: `queued`, `sending`, `retry`, `provider_stopped`, `rate_limited`, "
        "`in_doubt`, `quiet_hours`, `hourly_limit`, `translation`, `earlier_message`, `held`."
    )
    ended: dict[DeliveryState, int] = Field(description="Recipients who will not receive it, by state.")
    first_told_at: AwareDatetime | None
    last_told_at: AwareDatetime | None
    next_attempt_at: AwareDatetime | None


class ProgressOut(ResponseModel):
    """Progress of an incident's notifications."""

    incident_id: str
    channels: dict[Channel, ChannelProgressOut]


class RetriedOut(ResponseModel):
    """Number of deliveries that are due now."""

    count: int
