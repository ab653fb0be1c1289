"""Webhook messages in format `standard`, and the `webhooks` of the OpenAPI document."""

from functools import cache
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Header
from pydantic import AwareDatetime, Field

from notifier.api.openapi.history_models import ComponentOut
from notifier.api.openapi.models import ResponseModel
from notifier.api.openapi.route_docs import raw_body
from notifier.domain.values import Impact, Status, WebhookType

_TEXTS = {
    WebhookType.CREATED: "The first message to an endpoint about an incident.",
    WebhookType.UPDATED: "One or more updates of an incident.",
    WebhookType.RESOLVED: "An incident is resolved.",
    WebhookType.POSTMORTEM: "The postmortem of an incident.",
    WebhookType.MAINTENANCE_SCHEDULED: "Maintenance is planned.",
    WebhookType.MAINTENANCE_STARTED: "Maintenance has begun.",
    WebhookType.MAINTENANCE_UPDATED: "An update about planned maintenance.",
    WebhookType.MAINTENANCE_COMPLETED: "Maintenance is completed.",
    WebhookType.MAINTENANCE_CANCELED: "Maintenance is canceled.",
}


class OutgoingIncident(ResponseModel):
    """The incident when the notification was created."""

    id: str
    title: dict[str, str]
    status: Status
    impact: Impact
    components: list[ComponentOut]
    components_known: bool = Field(
        description="False: the source named no known component, so an empty list makes no claim about components."
    )
    started_at: AwareDatetime | None
    scheduled_for: AwareDatetime | None
    scheduled_until: AwareDatetime | None
    previous_scheduled_for: AwareDatetime | None = Field(
        default=None,
        description="If maintenance was rescheduled: the start your endpoint was last notified of.",
    )
    previous_scheduled_until: AwareDatetime | None = Field(
        default=None, description="If maintenance was rescheduled: the end your endpoint was last notified of."
    )
    links: list[str]
    url: dict[str, str] = Field(description="URL of the public page, per locale.")


class OutgoingUpdate(ResponseModel):
    """One update; `sequence` is that of the first message with it. `body` is Markdown without HTML."""

    id: str
    status: Status
    impact: Impact
    body: dict[str, str]
    posted_at: AwareDatetime
    next_update_at: AwareDatetime | None = Field(default=None, description="When the next update is expected.")
    sequence: int


class OutgoingData(ResponseModel):
    """`sequence` counts messages about the incident to endpoints: ignore one lower than the last you received."""

    sequence: int
    notification_id: str
    incident: OutgoingIncident
    updates: list[OutgoingUpdate]
    is_replay: bool


class OutgoingMessage(ResponseModel):
    """The body of one message."""

    type: Literal[
        "incident.created",
        "incident.updated",
        "incident.resolved",
        "incident.postmortem",
        "maintenance.scheduled",
        "maintenance.started",
        "maintenance.updated",
        "maintenance.completed",
        "maintenance.canceled",
    ]
    timestamp: AwareDatetime
    data: OutgoingData


class OutgoingTestData(ResponseModel):
    """Identifies the test."""

    message: str
    id: str


class OutgoingTest(ResponseModel):
    """The body of a test."""

    type: Literal["endpoint.test"]
    timestamp: AwareDatetime
    data: OutgoingTestData


_Id = Annotated[str, Header(alias="webhook-id", description="The delivery's id: the same on every retry.")]
_Timestamp = Annotated[int, Header(alias="webhook-timestamp", description="Unix seconds of this attempt.")]
_Signature = Annotated[
    str,
    Header(
        alias="webhook-signature",
        description="Standard Webhooks: `v1,` and base64 of an HMAC-SHA256 over id.timestamp.body.",
    ),
]
_REF = "#/components/schemas/"
_BODIES = {
    "application/json": {"anyOf": [{"$ref": f"{_REF}OutgoingMessage"}, {"$ref": f"{_REF}StatuspageMessage"}]},
    "application/cloudevents+json": {"$ref": f"{_REF}CloudEvent"},
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    "2XX": {"description": "Accepted."},
    410: {"description": "Gone: the endpoint is disabled."},
    "default": {"description": "Anything else, including a redirect, is retried on a schedule."},
}


@cache
def webhooks() -> APIRouter:
    """Return a router for `FastAPI.webhooks`: documentation only, never called."""
    router = APIRouter()
    formats = raw_body({media: {"schema": schema} for media, schema in _BODIES.items()})
    for kind, text in _TEXTS.items():
        router.add_api_route(
            kind.value,
            _message,
            methods=["POST"],
            summary=kind.value,
            description=text,
            responses=_ANSWERS,
            openapi_extra=formats,
        )
    text = "A test message, requested by a person. It is not about an incident."
    router.add_api_route(
        WebhookType.TEST.value, _test, methods=["POST"], summary=WebhookType.TEST.value, description=text,
        responses=_ANSWERS,
    )  # fmt: skip
    return router


def _message(id_: _Id, timestamp: _Timestamp, signature: _Signature) -> None:
    """Only the signature is used; its bodies are in `_BODIES`."""


def _test(id_: _Id, timestamp: _Timestamp, signature: _Signature, body: Annotated[OutgoingTest, Body()]) -> None:
    """Only the signature is used."""
