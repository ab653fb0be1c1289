"""The OpenAPI document: FastAPI's, completed by what our handlers and middleware do."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from notifier.api.http.problems import MEDIA_TYPE
from notifier.api.openapi.models import Problem
from notifier.api.openapi.webhook_format_models import CloudEvent, StatuspageMessage
from notifier.api.openapi.webhook_models import OutgoingMessage
from notifier.inbound.drafts import DraftBody, DraftPatch, PublicationBody, TemplateBody
from notifier.inbound.endpoints import EndpointBody, EndpointPatch
from notifier.inbound.events import EventModel
from notifier.inbound.sign_up import SignUpBody
from notifier.inbound.subscribers import SubscriberBody, SubscriberPatch

Json = dict[str, Any]
_REF = "#/components/schemas/{model}"
# Bodies that handlers read as bytes, so that the same code serves API, command line and console.
_BODIES: tuple[type[BaseModel], ...] = (
    EventModel,
    DraftBody,
    DraftPatch,
    PublicationBody,
    TemplateBody,
    SubscriberBody,
    SubscriberPatch,
    SignUpBody,
    EndpointBody,
    EndpointPatch,
    OutgoingMessage,
    CloudEvent,
    StatuspageMessage,
    Problem,
)
_METHODS = ("get", "post", "patch", "put", "delete", "options")
_PROBLEMS = {
    "400": "The body is not valid JSON; the detail gives the position.",
    "401": "The API key is missing or invalid.",
    "403": "The key lacks the scope, or the signature is wrong.",
    "404": "Not found.",
    "408": "The body was not complete in time.",
    "409": "Conflicts with stored data.",
    "413": "The body is too large.",
    "422": "Invalid fields, each named in `errors`.",
    "429": "Too many invalid keys from this network: wait `Retry-After` seconds. Valid keys are still accepted.",
    "503": "The database is unavailable, or too many requests: nothing was stored; retry after `Retry-After`.",
}
_INTERNAL = ("HTTPValidationError", "ValidationError")


def install(app: FastAPI) -> None:
    """Make the app serve the complete document; it is built once."""
    derived = app.openapi

    def complete() -> Json:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(derived())
        return app.openapi_schema

    app.openapi = complete  # type: ignore[method-assign]  # FastAPI's documented way


def _completed(document: Json) -> Json:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    pairs: list[tuple[type[BaseModel], Any]] = [(model, "validation") for model in _BODIES]
    _, definitions = models_json_schema(pairs, ref_template=_REF)
    schemas.update(definitions["$defs"])
    for name in _INTERNAL:
        schemas.pop(name, None)
    document["components"]["responses"] = {
        f"Problem{status}": _problem(description) for status, description in _PROBLEMS.items()
    }
    for operation in _operations(document.get("paths", {})):
        _add_problems(operation)
    for operation in _operations(document.get("webhooks", {})):
        operation.get("responses", {}).pop("422", None)
        operation.get("responses", {}).pop("200", None)
    return document


def _problem(description: str) -> Json:
    return {"description": description, "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}}}


def _operations(paths: Json) -> Iterator[Json]:
    for item in paths.values():
        yield from (item[method] for method in _METHODS if method in item)


def _add_problems(operation: Json) -> None:
    """Document the problems a call may return, derived from its parameters and body."""
    responses = operation.setdefault("responses", {})
    responses.pop("422", None)
    is_open = not operation.get("security")
    if is_open and "requestBody" not in operation:
        return
    statuses = {"503"} if is_open else {"401", "403", "429", "503"}
    places = {parameter["in"] for parameter in operation.get("parameters", [])}
    if "path" in places:
        statuses.add("404")
    if places or "requestBody" in operation:
        statuses.add("422")
    if "requestBody" in operation:
        statuses |= {"400", "408", "413"} if is_open else {"400", "408", "409", "413"}
    for status in sorted(statuses):
        responses.setdefault(status, {"$ref": f"#/components/responses/Problem{status}"})
