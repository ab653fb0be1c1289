"""Objects of Atlassian Statuspage, as its webhooks and its API v2 send them.

Read leniently: pages differ in version and send `null` for whatever they leave out.
"""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from notifier.domain.values import ComponentStatus, Impact, Status
from notifier.inbound.fields import Instant
from notifier.inbound.integrations import Lenient

_Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


def _without_null(value: object) -> object:
    return [item for item in value if item is not None] if isinstance(value, list) else value


_Items = BeforeValidator(_without_null)


class _Object(Lenient):
    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: Any) -> Any:
        return {name: item for name, item in value.items() if item is not None} if isinstance(value, dict) else value


class PageAffected(_Object):
    """A component as an update names it."""

    code: str | None = None
    name: str | None = None  # "Group - Component"
    new_status: ComponentStatus | None = None


class PageComponent(_Object):
    """A component as an incident lists it."""

    id: str | None = None
    name: str | None = None
    status: ComponentStatus | None = None


class PageUpdate(_Object):
    """An entry of a timeline."""

    id: _Id
    status: Status
    body: str = ""
    created_at: Instant
    updated_at: Instant | None = None
    display_at: Instant | None = None
    affected_components: Annotated[tuple[PageAffected, ...], _Items] = ()
    deliver_notifications: bool = True

    @property
    def posted_at(self) -> datetime:
        """When it is said to have been posted; it may be dated back."""
        return self.display_at or self.created_at


class PageIncident(_Object):
    """An incident, or planned work, with its timeline."""

    id: _Id
    name: str
    status: Status
    impact: Impact = Impact.NONE
    created_at: Instant
    updated_at: Instant | None = None
    started_at: Instant | None = None
    scheduled_for: Instant | None = None
    scheduled_until: Instant | None = None
    shortlink: str = ""
    backfilled: bool = False
    postmortem_body: str = ""
    incident_updates: Annotated[tuple[PageUpdate, ...], _Items] = ()
    components: Annotated[tuple[PageComponent, ...], _Items] = ()


class PageComponentUpdate(_Object):
    """A component that changed by itself."""

    id: _Id
    old_status: ComponentStatus | None = None
    new_status: ComponentStatus
    created_at: Instant


class PageWebhook(_Object):
    """The body of a webhook."""

    incident: PageIncident | None = None
    component_update: PageComponentUpdate | None = None
    component: PageComponent | None = None


class PageListing(_Object):
    """`incidents.json` or `scheduled-maintenances.json` of the API v2."""

    incidents: Annotated[tuple[PageIncident, ...] | None, _Items] = None
    scheduled_maintenances: Annotated[tuple[PageIncident, ...] | None, _Items] = None
