"""CloudEvents 1.0 over HTTP -> reports: structured, batched and binary mode.

Sources: github.com/cloudevents/spec, cloudevents/spec.md (attributes), bindings/http-protocol-binding.md (modes),
formats/json-format.md. The event's `source` and `id` together are its identity: a repeat is the same event.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal
from urllib.parse import unquote_to_bytes

from pydantic import ConfigDict, Field, ValidationError, model_validator

from notifier.domain.errors import FieldError, MalformedInputError, UnsupportedFormatError
from notifier.domain.ids import digest
from notifier.domain.proposals.signal import Report
from notifier.inbound.bodies import faults_of, refused
from notifier.inbound.sources.conditions import Condition, report_of
from notifier.inbound.sources.documents import json_of
from notifier.inbound.sources.expressions import Extraction, without_marks
from notifier.inbound.sources.generic import condition_of
from notifier.inbound.sources.requests import InboundRequest, ReadingRules
from notifier.inbound.sources.values import Foreign, Moment

MAX_EVENTS = 200  # of one batch
# What is read where the source configures nothing else; docs/sources.md describes it.
DEFAULT_FIELDS: Mapping[str, str] = {
    "key": "data.key || subject || source",
    "status": "data.status || data.state",
    "component": "data.component || data.components",
    "severity": "data.severity",
    "title": "data.title || data.summary || type",
    "detail": "data.detail || data.description",
    "started_at": "data.started_at || time",
    "link": "data.link || data.url",
}
_STRUCTURED, _BATCHED = "application/cloudevents", "application/cloudevents-batch"
_PREFIX = "ce-"
_NO_STATE = "only recorded: the event has no status"
_FORMATS = f"must be {_STRUCTURED}+json or {_BATCHED}+json, or an event in ce- headers"
_NO_EVENT = "is not a CloudEvent: the headers ce-id, ce-source, ce-specversion and ce-type are needed, or Content-Type "

_Attribute = Annotated[str, Field(min_length=1)]


class _Event(Foreign):
    model_config = ConfigDict(extra="allow", frozen=True)  # expressions may name extension attributes

    id: _Attribute
    source: _Attribute
    specversion: Literal["1.0"]
    type: _Attribute
    subject: _Attribute | None = None
    time: Moment = None
    datacontenttype: _Attribute | None = None
    data: Any = None
    data_base64: str | None = None

    @model_validator(mode="after")
    def _has_one_data(self) -> "_Event":
        if self.data is not None and self.data_base64 is not None:
            raise refused("must have data or data_base64, not both")
        return self


def read_cloudevents(request: InboundRequest, rules: ReadingRules) -> Sequence[Report]:
    """Read one request: an event, or a batch of them.

    Raises:
        UnsupportedFormatError: An event format other than JSON.
        MalformedInputError: No CloudEvent; names the attributes at fault.
        InvalidInputError: An expression of the source finds nothing that is needed.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type.startswith(_BATCHED):
        return [
            _report(event, request, rules, f"{number}.") for number, event in enumerate(_batch(request, media_type))
        ]
    if media_type.startswith(_STRUCTURED):
        event = _structured(_parsed(request, media_type, _STRUCTURED), "")
    else:
        event = _binary(request, media_type)
    return [_report(event, request, rules, "")]


def _batch(request: InboundRequest, media_type: str) -> list[_Event]:
    found = _parsed(request, media_type, _BATCHED)
    if not isinstance(found, list) or len(found) > MAX_EVENTS:
        raise MalformedInputError([FieldError("body", f"must be a list of at most {MAX_EVENTS} events")])
    return [_structured(item, f"{number}.") for number, item in enumerate(found)]


def _parsed(request: InboundRequest, media_type: str, mode: str) -> Any:
    if media_type != f"{mode}+json":
        raise UnsupportedFormatError([FieldError("content-type", _FORMATS)])
    return json_of(request.body)


def _structured(document: Any, below: str) -> _Event:
    event = _checked(document, below)
    if event.data_base64 is None:
        return event
    try:
        data = base64.b64decode(event.data_base64, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedInputError([FieldError(f"{below}data_base64", "must be Base64")]) from None
    return event.model_copy(update={"data": _data(data, event.datacontenttype or "")})


def _binary(request: InboundRequest, media_type: str) -> _Event:
    if not any(name.startswith(_PREFIX) for name in request.headers):
        raise MalformedInputError([FieldError("body", f"{_NO_EVENT}{_STRUCTURED}+json")])
    named = [(name.removeprefix(_PREFIX), value) for name, value in request.headers.items() if name.startswith(_PREFIX)]
    attributes = {name: _decoded(name, value) for name, value in named if name not in ("data", "data_base64")}
    return _checked(attributes | {"data": _data(request.body, media_type)}, _PREFIX)


def _checked(document: Any, below: str) -> _Event:
    try:
        return _Event.model_validate(document)
    except ValidationError as error:
        faults = [FieldError(f"{below}{fault.field}", fault.message) for fault in faults_of(error)]
        raise MalformedInputError(faults) from None


def _decoded(name: str, value: str) -> str:
    """Decode a header's value once: percent-encoded UTF-8, quoted or not."""
    plain = value.strip()
    if len(plain) > 1 and plain[0] == plain[-1] == '"':
        plain = plain[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    try:
        return unquote_to_bytes(plain.encode("latin-1")).decode()
    except UnicodeError:
        raise MalformedInputError([FieldError(f"{_PREFIX}{name}", "must be percent-encoded UTF-8")]) from None


def _data(content: bytes, media_type: str) -> Any:
    """Return the data of an event: what JSON says; of another type, or without content, nothing."""
    kind = media_type.partition(";")[0].strip().lower()
    is_json = kind in ("", "application/json", "text/json") or kind.endswith("+json")
    return json_of(content) if is_json and content.strip() else None


def _report(event: _Event, request: InboundRequest, rules: ReadingRules, below: str) -> Report:
    document = without_marks(event.model_dump(mode="json", exclude={"data_base64"}))
    found = Extraction({**DEFAULT_FIELDS, **rules.source.fields}, document, place=f"{below}fields")
    identity = digest(event.source, event.id)
    if found.text("status"):
        told = condition_of(found, rules)
        condition = replace(told, key=digest(event.source, told.key), at=event.time)
    else:
        condition = Condition(key=identity, is_firing=True, title=event.type, at=event.time, ignored=_NO_STATE)
    return report_of(replace(condition, change=identity, is_message=True), request, rules)
