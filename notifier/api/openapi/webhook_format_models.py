"""The other webhook formats: CloudEvents 1.0, and the payload of Atlassian Statuspage."""

from typing import Literal

from pydantic import AwareDatetime, Field

from notifier.api.openapi.models import ResponseModel
from notifier.api.openapi.webhook_models import OutgoingData, OutgoingTestData
from notifier.domain.values import ComponentStatus, Impact, Status


class CloudEvent(ResponseModel):
    """A message in format `cloudevents`: CloudEvents 1.0, structured content mode."""

    specversion: Literal["1.0"]
    id: str = Field(description="Id of the notification, or of the test.")
    source: str = Field(description="Public URL of this installation.")
    type: str = Field(examples=["incident.updated"])
    time: AwareDatetime
    datacontenttype: Literal["application/json"]
    data: OutgoingData | OutgoingTestData
    subject: str | None = Field(default=None, description="Id of the incident; absent for a test.")
    sequence: str | None = Field(
        default=None,
        pattern="^[0-9]{10}$",
        description="Extension `sequence`: ten digits, so that it sorts as text.",
    )


class StatuspageMeta(ResponseModel):
    """Links of the message."""

    unsubscribe: str
    documentation: str
    generated_at: AwareDatetime


class StatuspagePage(ResponseModel):
    """Overall status of the platform."""

    id: str
    status_indicator: Impact
    status_description: str


class StatuspageAffected(ResponseModel):
    """A component after the latest update of the message."""

    code: str
    name: str
    old_status: ComponentStatus
    new_status: ComponentStatus


class StatuspageUpdate(ResponseModel):
    """One update, in the default locale."""

    id: str
    incident_id: str
    status: Status
    body: str
    created_at: AwareDatetime
    updated_at: AwareDatetime
    display_at: AwareDatetime
    affected_components: list[StatuspageAffected] | None
    deliver_notifications: bool


class StatuspageComponent(ResponseModel):
    """An affected component."""

    id: str
    page_id: str
    name: str
    status: ComponentStatus
    position: int
    created_at: AwareDatetime
    updated_at: AwareDatetime


class StatuspageIncident(ResponseModel):
    """The incident with its whole timeline, newest update first."""

    id: str
    page_id: str
    name: str
    status: Status
    impact: Impact
    created_at: AwareDatetime
    updated_at: AwareDatetime
    started_at: AwareDatetime
    monitoring_at: AwareDatetime | None
    resolved_at: AwareDatetime | None
    shortlink: str
    scheduled_for: AwareDatetime | None
    scheduled_until: AwareDatetime | None
    postmortem_body: str | None
    incident_updates: list[StatuspageUpdate]
    components: list[StatuspageComponent]


class StatuspageMessage(ResponseModel):
    """A message in format `statuspage`: what a consumer of Atlassian Statuspage's webhooks parses."""

    meta: StatuspageMeta
    page: StatuspagePage
    incident: StatuspageIncident
