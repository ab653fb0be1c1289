"""Responses, for the OpenAPI page only: use cases build the answers, not these models.

Functional tests check every answer against its documented shape.
"""

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from notifier.domain.values import Outcome


class ResponseModel(BaseModel):
    """Responses may gain fields: clients must ignore unknown ones."""

    model_config = ConfigDict(extra="allow")


class FaultOut(ResponseModel):
    """One invalid field."""

    field: str = Field(examples=["incident.components.0"])
    message: str = Field(examples=["unknown component 'shop'; known: api, backoffice, checkout, pos, storefront"])


class Problem(ResponseModel):
    """RFC 9457 problem details; `errors` is always present."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str
    errors: list[FaultOut]
    code: str | None = Field(default=None, examples=["conflict"])
    newest: dict[str, str | None] | None = Field(
        default=None, description="With `conflict`: the latest update, which the event's author had not seen."
    )


class ReceiptOut(ResponseModel):
    """The result of publishing an event."""

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
    recipients: int = Field(description="Number of recipients over all channels; 0 if nobody is notified.")
    held: bool = Field(description="Held for approval (`[guard]`).")


class IntegrationReceiptOut(ReceiptOut):
    """The result of an inbound webhook."""

    incident_id: str | None = Field(description="Null if the request was not about an incident.")  # type: ignore[assignment]
    earlier_updates: int = Field(
        description="Older updates of the timeline that were recorded without notifying anyone."
    )
    signal_id: str | None = Field(description="The signal that it belongs to.")
    draft_id: str | None = Field(description="The draft that proposes it to a person.")


class FeedbackOut(ResponseModel):
    """Number of events received, new, ignored (irrelevant here) and without a matching delivery."""

    received: int
    new: int
    ignored: int
    unmatched: int


class AuditOut(ResponseModel):
    """Who changed what, when, from where."""

    id: int
    at: AwareDatetime
    actor: str = Field(examples=["key:key_01g63e5n1c8r3w2k5v7x9z0abc (crm)"])
    origin: str = Field(examples=["192.0.2.7"])
    action: str = Field(examples=["subscriber.changed"])
    object_kind: str = Field(examples=["subscriber"])
    object_id: str = Field(examples=["shop-1001"])
    detail: dict[str, Any] = Field(examples=[{"preferences.min_impact": ["minor", "major"]}])


class LiveOut(ResponseModel):
    """The process is running."""

    status: Literal["ok"]


class ReadyOut(ResponseModel):
    """`ok` per dependency, or one sentence about the problem."""

    status: Literal["ok", "unavailable"]
    checks: dict[str, str] = Field(examples=[{"database": "ok", "broker": "ok"}])
