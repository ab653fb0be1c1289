"""Public JSON Schemas of webhook bodies, for generating types and for validation."""

from functools import cache
from typing import Any

from fastapi import APIRouter, Response
from pydantic import TypeAdapter

from notifier.api.http.responses import json_answer
from notifier.api.openapi.models import ResponseModel
from notifier.api.openapi.route_docs import returns
from notifier.api.openapi.webhook_format_models import CloudEvent, StatuspageMessage
from notifier.api.openapi.webhook_models import OutgoingMessage, OutgoingTest
from notifier.api.runtime import Runtime
from notifier.domain.errors import NotFoundError
from notifier.domain.values import WebhookFormat

router = APIRouter(prefix="/schemas", tags=["endpoints"])
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_MEDIA_TYPE = "application/schema+json"
_MODELS: dict[WebhookFormat, Any] = {
    WebhookFormat.STANDARD: OutgoingMessage | OutgoingTest,
    WebhookFormat.CLOUDEVENTS: CloudEvent,
    WebhookFormat.STATUSPAGE: StatuspageMessage | OutgoingTest,
}
_CACHED = {"Cache-Control": "public, max-age=3600"}


class SchemaOut(ResponseModel):
    """URL of the schema of one format."""

    format: WebhookFormat
    url: str


class SchemasOut(ResponseModel):
    """All schemas."""

    schemas: list[SchemaOut]


@cache
def _schema(form: WebhookFormat) -> dict[str, Any]:
    return TypeAdapter(_MODELS[form]).json_schema(mode="validation")


@router.get("/", responses=returns(200, SchemasOut, "One schema per format."))
async def list_schemas(runtime: Runtime) -> Response:
    """List the JSON Schemas of webhook bodies."""
    found = [{"format": form.value, "url": _url(runtime, form)} for form in WebhookFormat]
    return json_answer({"schemas": found}, 200, _CACHED)


@router.get(
    "/{name}",
    response_class=Response,
    responses={
        200: {"description": "JSON Schema, draft 2020-12.", "content": {_MEDIA_TYPE: {}}},
        404: {"$ref": "#/components/responses/Problem404"},
    },
)
async def show_schema(runtime: Runtime, name: str) -> Response:
    """Return the JSON Schema of one format, such as `standard.json`; includes test messages."""
    found = next((form for form in WebhookFormat if name in (form.value, f"{form.value}.json")), None)
    if found is None:
        raise NotFoundError("schema", name[:100])
    schema = {"$schema": _DIALECT, "$id": _url(runtime, found), "title": f"Webhook, format {found}", **_schema(found)}
    answer = json_answer(schema, 200, _CACHED)
    answer.headers["Content-Type"] = _MEDIA_TYPE
    return answer


def _url(runtime: Runtime, form: WebhookFormat) -> str:
    base = runtime.container.settings.deployment.public_url.rstrip("/")
    return f"{base}/schemas/{form.value}.json"
