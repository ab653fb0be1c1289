"""Drafts and templates as JSON: any part of an event, each checked if present."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Protocol

import orjson
from pydantic import Field, Strict

from notifier.domain.errors import FieldError, InvalidInputError
from notifier.domain.incidents.incident import Event
from notifier.domain.proposals.draft import Draft, merged
from notifier.domain.values import Impact, Status
from notifier.inbound.bodies import Body, read_json
from notifier.inbound.events import parse_event, parse_parts
from notifier.inbound.fields import Body as Markdown
from notifier.inbound.fields import ComponentKey, Identifier, LocaleTag, Title

Json = Mapping[str, Any]
_INCIDENT = "As in an event; any part. With the `id` of an incident of ours, what is left out is taken from it."
_TEXTS = Annotated[dict[LocaleTag, Title], Field(min_length=1, max_length=100)]


class DraftBody(Body):
    """The content of a new draft."""

    incident: Annotated[dict[str, Any], Field(description=_INCIDENT)] = Field(default_factory=dict)
    update: Annotated[dict[str, Any], Field(description="As in an event; any part.")] = Field(default_factory=dict)
    notify: bool = True
    visible: bool = True
    after: Identifier | None = None
    template: Annotated[str | None, Field(max_length=100, description="Id of a template that fills in its texts.")] = (
        None
    )
    signal_id: Annotated[str | None, Field(max_length=40, description="The signal it answers.")] = None


class DraftPatch(Body):
    """A merge patch (RFC 7396), and the version its author saw, unless `If-Match` has it."""

    version: Annotated[int | None, Field(ge=1, description="The version you saw; or send `If-Match`.")] = None
    incident: dict[str, Any] | None = None
    update: dict[str, Any] | None = None
    notify: bool | None = None
    visible: bool | None = None
    after: Identifier | None = None


class PublicationBody(Body):
    """The version to publish."""

    version: Annotated[int | None, Field(ge=1, description="The version you saw; or send `If-Match`.")] = None


class TemplateBody(Body):
    """Prepared texts, per locale. Placeholders: `{components}`, `{source}`, `{upstream}`, `{link}`, `{time}`."""

    name: Annotated[Title, Field(max_length=100)]
    title: _TEXTS
    body: Annotated[dict[LocaleTag, Markdown], Field(min_length=1, max_length=100)]
    status: Annotated[Status, Strict(strict=False)] = Status.INVESTIGATING
    impact: Annotated[Impact, Strict(strict=False)] | None = None
    components: Annotated[tuple[ComponentKey, ...], Field(max_length=200)] = ()


def read_patch(data: bytes) -> tuple[Json, int | None]:
    """Return a merge patch without its `version`, nulls kept, and that version.

    Raises:
        InvalidInputError: Names every field at fault.
    """
    model = read_json(DraftPatch, data)
    given = {name: value for name, value in orjson.loads(data).items() if name != "version"}
    return given, model.version


def read_template(data: bytes) -> Json:
    """Parse a template's content.

    Raises:
        InvalidInputError: Names every field at fault.
    """
    return read_json(TemplateBody, data).model_dump(mode="json")


def read_template_patch(stored: Json, data: bytes) -> Json:
    """Return a template's content after a merge patch (RFC 7396).

    Raises:
        InvalidInputError: Names every field at fault.
    """
    try:
        patch = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise InvalidInputError([FieldError("body", f"Invalid JSON: {error}")]) from None
    if not isinstance(patch, dict):
        raise InvalidInputError([FieldError("body", "must be an object")])
    content = {name: stored[name] for name in TemplateBody.model_fields if stored[name] is not None}
    return read_template(orjson.dumps(merged(content, patch)))


class Checks(Protocol):
    """Rejects events that name what this installation does not have (`ApiContainer`)."""

    def check(self, event: Event) -> None:
        """Raise InvalidInputError for unknown components and locales."""


@dataclass(frozen=True)
class DraftReader:
    """Checks the parts of drafts by the rules of events (`services.drafts.parser.DraftParser`)."""

    checks: Checks
    default_locale: str

    def check_parts(self, incident: Json, update: Json) -> None:
        """Reject a part that no event could have; missing parts are accepted.

        Raises:
            InvalidInputError: Names every field at fault.
        """
        placeholder = {self.default_locale: "-"}
        whole = {
            "id": "draft",
            "incident": merged({"id": "draft", "title": placeholder, "impact": Impact.NONE.value}, incident),
            "update": merged({"id": "draft", "status": Status.INVESTIGATING.value, "body": placeholder}, update),
        }
        self.checks.check(parse_parts(orjson.dumps(whole)))

    def event_of(self, draft: Draft, now: datetime) -> Event:
        """Return the event that a draft proposes; `now` is its default posting time.

        Raises:
            InvalidInputError: Names every field that is missing or at fault.
        """
        whole = {
            "id": draft.event_id,
            "incident": draft.incident,
            "update": draft.update,
            "notify": draft.notify,
            "visible": draft.visible,
            "after": draft.after,
            "source": f"draft:{draft.source}" if draft.source else "draft",
        }
        faults = _missing(draft)
        if faults:
            raise InvalidInputError(faults)
        event = parse_event(orjson.dumps(whole), now=now)
        self.checks.check(event)
        if draft.source and not event.incident.components:
            # Its source named none of our components: nobody said that all of them are affected.
            return replace(event, incident=replace(event.incident, components_known=False))
        return event


def _missing(draft: Draft) -> list[FieldError]:
    needed = (("incident", draft.incident, ("title", "impact")), ("update", draft.update, ("status", "body")))
    return [
        FieldError(f"{part}.{name}", "is missing: a draft needs it before it can be published")
        for part, content, names in needed
        for name in names
        if not content.get(name)
    ]
