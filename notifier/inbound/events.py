"""The contract's event (`POST /v1/events`) as pydantic models: strict JSON in, an `Event` out."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from notifier.domain.errors import FieldError, InvalidInputError
from notifier.domain.incidents.incident import AffectedComponent, Automation, Event, Incident, Update
from notifier.domain.incidents.snapshot import complete
from notifier.domain.values import ComponentStatus, Impact, Status
from notifier.inbound.fields import Body, ComponentKey, Identifier, Instant, Link, LocaleTag, SourceName, Title
from notifier.recurrence import MAX_RULE, check_rule

MAX_AHEAD = timedelta(hours=24)  # a later time is a mistake, not a fast clock
MAX_ERRORS = 50  # in one response


class _Strict(BaseModel):
    """Rejects unknown keys and wrong types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ComponentModel(_Strict):
    """An affected component; a plain key is short for `{"key": ...}`."""

    key: ComponentKey
    status: Annotated[ComponentStatus, Strict(strict=False)] | None = None


def _as_component(value: object) -> object:
    return {"key": value} if isinstance(value, str) else value


def _rule(text: str) -> str:
    try:
        check_rule(text)
    except ValueError as error:
        raise PydanticCustomError("rule", "{fault}", {"fault": str(error)}) from None
    return text


class AutomationModel(_Strict):
    """What planned work does by itself; what is left out or null follows `[maintenance]`."""

    remind: Annotated[
        tuple[Annotated[float, Field(gt=0, le=90 * 86_400, allow_inf_nan=False)], ...] | None,
        Field(max_length=10, description="Seconds before the window; each is a notification of its own."),
    ] = None
    start: Annotated[bool | None, Field(description="Announce `in_progress` when the window begins.")] = None
    complete: Annotated[bool | None, Field(description="Announce `completed` when the window ends.")] = None
    repeat: Annotated[
        str | None,
        AfterValidator(lambda text: text if text is None else _rule(text)),
        Field(
            max_length=MAX_RULE,
            description="An RFC 5545 recurrence rule, such as `FREQ=WEEKLY;BYDAY=TU`, in the brand's time zone. The "
            "next windows are announced ahead as incidents of their own, `{id}-{YYYYMMDD}`.",
        ),
    ] = None

    def to_domain(self) -> Automation:
        """Convert to the domain value."""
        remind = None if self.remind is None else tuple(timedelta(seconds=seconds) for seconds in self.remind)
        return Automation(remind=remind, start=self.start, complete=self.complete, repeat=self.repeat)


class IncidentModel(_Strict):
    """The incident as described by the event."""

    id: Identifier
    title: Annotated[dict[LocaleTag, Title], Field(min_length=1, max_length=100)]
    impact: Impact
    components: Annotated[
        tuple[Annotated[ComponentModel, BeforeValidator(_as_component)], ...], Field(max_length=200)
    ] = ()
    started_at: Instant | None = None
    scheduled_for: Annotated[
        Instant | None, Field(description="When planned work starts; every update of planned work needs both times.")
    ] = None
    scheduled_until: Annotated[Instant | None, Field(description="When planned work ends.")] = None
    links: Annotated[tuple[Link, ...], Field(max_length=20)] = ()
    automation: Annotated[
        AutomationModel | None,
        Field(description="What planned work does by itself; left out or null: as an earlier update said."),
    ] = None

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if len({component.key for component in self.components}) < len(self.components):
            raise PydanticCustomError("components", "components: each key may be named once")
        if self.scheduled_for and self.scheduled_until and self.scheduled_until <= self.scheduled_for:
            raise PydanticCustomError("scheduled_until", "scheduled_until: must be later than scheduled_for")
        return self

    def to_domain(self) -> Incident:
        """Convert to the domain value."""
        return Incident(
            id=self.id,
            title=self.title,
            impact=self.impact,
            components=tuple(AffectedComponent(key=item.key, status=item.status) for item in self.components),
            started_at=self.started_at,
            scheduled_for=self.scheduled_for,
            scheduled_until=self.scheduled_until,
            links=self.links,
            automation=self.automation.to_domain() if self.automation else None,
        )


class UpdateModel(_Strict):
    """The event's one update."""

    id: Identifier
    status: Status
    body: Annotated[dict[LocaleTag, Body], Field(min_length=1, max_length=100)]
    posted_at: Annotated[Instant | None, Field(description="When it was written; now, where it is left out.")] = None
    next_update_at: Annotated[
        Instant | None, Field(description="When readers may expect the next update: shown to them as a promise.")
    ] = None


class EventModel(_Strict):
    """One event.

    `source`, `automatic` and `announce_edits` are optional additions to the contract.
    """

    id: Identifier
    incident: IncidentModel
    update: UpdateModel
    notify: Annotated[
        bool, Field(description="False: shown on the public pages and feeds, and told to nobody (`recorded`).")
    ] = True
    visible: Annotated[bool, Field(description="False: told to nobody and not shown to the public either.")] = True
    after: Annotated[
        Identifier | None,
        Field(
            description="The id of the update you believe to be the incident's latest. If there is a later one, the "
            "answer is 409, which names it, and nothing is stored. Left out or null: no check."
        ),
    ] = None
    source: SourceName = "api"
    automatic: bool = False
    announce_edits: bool = False

    def to_domain(self, now: datetime | None) -> Event:
        """Convert to the domain value, with all times in UTC.

        `now`: when an update without a time was posted.

        Raises:
            InvalidInputError: The update has no time, and `now` is None.
        """
        update, posted_at = self.update, self.update.posted_at or now
        if posted_at is None:
            message = "is missing: only an event that is new may lack it"
            raise InvalidInputError([FieldError("update.posted_at", message)])
        return Event(
            id=self.id,
            incident=self.incident.to_domain(),
            update=Update(
                id=update.id,
                status=update.status,
                body=update.body,
                posted_at=posted_at,
                next_update_at=update.next_update_at,
            ),
            notify=self.notify and self.visible,
            visible=self.visible,
            after=self.after,
            source=self.source,
            automatic=self.automatic,
            announce_edits=self.announce_edits,
        )


_ADAPTER = TypeAdapter(EventModel)


def parse_event(data: bytes | str, *, now: datetime | None) -> Event:
    """Parse one event from JSON.

    Args:
        data: UTF-8 JSON of one object.
        now: Aware UTC instant to check `update.posted_at` against; None accepts any (a recorded
            history).

    Raises:
        InvalidInputError: Names every field at fault by its dotted path; `body` if the JSON itself
            is invalid.
    """
    event = _read(data, now)
    faults = _faults_of_maintenance(event)
    promised = event.update.next_update_at
    if promised is not None and promised <= event.update.posted_at:
        faults.append(FieldError("update.next_update_at", "must be later than posted_at"))
    if now is not None and event.update.posted_at > now + MAX_AHEAD:
        message = f"must not lie more than {MAX_AHEAD // timedelta(hours=1)} hours in the future"
        faults.append(FieldError("update.posted_at", message))
    if faults:
        raise InvalidInputError(faults)
    return complete(event)


def parse_parts(data: bytes | str) -> Event:
    """Read one event whose parts need not go together yet, as those of a draft.

    Raises:
        InvalidInputError: names every field at fault by its dotted path.
    """
    return _read(data, datetime.max.replace(tzinfo=UTC))


def _read(data: bytes | str, now: datetime | None) -> Event:
    try:
        return _ADAPTER.validate_json(data).to_domain(now)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False, include_input=False)
        raise InvalidInputError([_field_error(detail) for detail in details[:MAX_ERRORS]]) from None


def _faults_of_maintenance(event: Event) -> list[FieldError]:
    """Check that maintenance has a window, and that only maintenance has its statuses.

    A postmortem may be of either.
    """
    status, incident = event.update.status, event.incident
    if incident.automation is not None and not status.is_maintenance:
        message = f"only planned work runs itself, and {status} is no status of planned work"
        return [FieldError("incident.automation", message)]
    if status.is_maintenance:
        window = {"scheduled_for": incident.scheduled_for, "scheduled_until": incident.scheduled_until}
        message = f"must say when the maintenance {{}}: an update to {status} needs the window"
        verbs = {"scheduled_for": "starts", "scheduled_until": "ends"}
        return [FieldError(f"incident.{name}", message.format(verbs[name])) for name in window if window[name] is None]
    if incident.is_maintenance and status is not Status.POSTMORTEM:
        kinds = ", ".join(each for each in Status if each.is_maintenance)
        message = f"maintenance goes with the statuses {kinds}; with {status} say none, minor, major or critical"
        return [FieldError("incident.impact", message)]
    return []


def _field_error(detail: ErrorDetails) -> FieldError:
    """Name the field by its dotted path; a check of a whole object names the member first."""
    path = [str(part) for part in detail["loc"] if part != "[key]"]
    member, separator, sentence = detail["msg"].partition(": ")
    if detail["type"] == member and separator:
        return FieldError(".".join([*path, member]), sentence)
    return FieldError(".".join(path) or "body", detail["msg"])


def check_known(event: Event, components: Collection[str], locales: Collection[str]) -> None:
    """Reject components and locales that this installation does not have.

    Args:
        event: A valid event.
        components: The configured keys; if none are configured, any key is accepted.
        locales: The offered locales.

    Raises:
        InvalidInputError: Names every unknown component and locale.
    """
    errors = [
        FieldError(f"incident.components.{index}", f"unknown component {item.key!r}; known: {_listed(components)}")
        for index, item in enumerate(event.incident.components)
        if components and item.key not in components
    ]
    for field, texts in (("incident.title", event.incident.title), ("update.body", event.update.body)):
        errors += [
            FieldError(f"{field}.{locale}", f"unknown locale {locale!r}; offered: {_listed(locales)}")
            for locale in texts
            if locale not in locales
        ]
    if errors:
        raise InvalidInputError(errors[:MAX_ERRORS])


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))
