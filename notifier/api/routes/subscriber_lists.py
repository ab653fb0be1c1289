"""Lists of subscribers, in and out, of any length."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field
from starlette.exceptions import HTTPException

from notifier.api.auth import Manager, MayManage
from notifier.api.http.responses import json_answer
from notifier.api.http.streams import as_file
from notifier.api.openapi.models import FaultShape, Shape
from notifier.api.openapi.route_docs import raw_body, returns
from notifier.api.runtime import Runtime
from notifier.domain.recipients.subscriber import LegalBasis
from notifier.services.subscribers.bulk_import import ListFormat, format_of

router = APIRouter(prefix="/v1/subscribers", tags=["subscribers"])

_FORMATS = {
    "text/csv": ListFormat.CSV,
    "application/csv": ListFormat.CSV,
    "application/x-ndjson": ListFormat.NDJSON,
    "application/ndjson": ListFormat.NDJSON,
    "application/jsonl": ListFormat.NDJSON,
}
_MEDIA = {ListFormat.CSV: "text/csv; charset=utf-8", ListFormat.NDJSON: "application/x-ndjson"}
_CSV = "external_id,kind,email,name,locale,state,components\nshop-1001,merchant,owner@bloemenhuis.example,,nl,active,\n"
_NDJSON = '{"external_id": "shop-1001", "email": "owner@bloemenhuis.example", "locale": "nl"}\n'
_SNIFFED = 4096


class BadRowShape(Shape):
    """A row that was left out, and every reason."""

    line: int
    errors: list[FaultShape]


class ImportShape(Shape):
    """What became of a list. `rows` is the sum of created, updated, unchanged, repeated and rejected."""

    rows: int
    created: int
    updated: int
    unchanged: int
    repeated: int = Field(description="Rows that name somebody whom an earlier row named; the last one counts.")
    rejected: int
    kept_unsubscribed: int = Field(description="Rows that would have brought back who unsubscribed; they did not.")
    errors: list[BadRowShape] = Field(description="The first thousand rejected rows.")
    errors_left_out: int


_Basis = Annotated[LegalBasis, Query(description="What allows us to write to new subscribers: kept with them.")]
_Invite = Annotated[
    bool, Query(description="Rows that name no state become `pending`; who is new gets a letter to confirm.")
]
_BODY: dict[str, dict[str, Any]] = {
    "text/csv": {"schema": {"type": "string"}, "example": _CSV},
    "application/x-ndjson": {"schema": {"type": "string"}, "example": _NDJSON},
}


@router.post("/import", responses=returns(200, ImportShape, "Every row was looked at."), openapi_extra=raw_body(_BODY))
async def import_subscribers(
    request: Request,
    runtime: Runtime,
    actor: Manager,
    legal_basis: _Basis = LegalBasis.IMPORT,
    *,
    invite: _Invite = False,
) -> Response:
    """Bring a list in, streaming: CSV with a header or NDJSON, as `Content-Type` says.

    Rows are upserted by `external_id`. Good rows are kept, bad ones are named with line and reason. A list that was
    interrupted is sent again: what arrived is left as it is.
    """
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    source = as_file(request.stream())

    def work() -> dict[str, Any]:
        list_format = _FORMATS.get(media) or format_of(source.peek(_SNIFFED))
        bring = runtime.application.subscriber_import
        return bring(source, list_format, actor, legal_basis=legal_basis, invite=invite).as_json()

    try:
        return json_answer(await runtime.import_gate.run(work))
    except TimeoutError:
        raise HTTPException(408, "The list stopped coming; whole chunks of it are stored, send it again") from None


@router.get(
    "/export",
    dependencies=[MayManage],
    response_class=StreamingResponse,
    responses={200: {"description": "The list.", "content": {"text/csv": {}, "application/x-ndjson": {}}}},
)
def export_subscribers(
    runtime: Runtime,
    format_: Annotated[
        ListFormat,
        Query(alias="format", description="CSV holds what its columns can; NDJSON everything, suppressions too."),
    ] = ListFormat.NDJSON,
    *,
    every_column: Annotated[bool, Query(description="CSV: also quiet hours and the hourly limit.")] = False,
    spreadsheet: Annotated[
        bool, Query(description="CSV: no cell is a formula; for eyes, not to be imported again.")
    ] = False,
) -> StreamingResponse:
    """Write every subscriber, streaming, in a form that the import takes back."""
    pieces = runtime.application.subscriber_export(format_, every_column=every_column, spreadsheet=spreadsheet)
    headers = {"Content-Disposition": f'attachment; filename="subscribers.{format_}"'}
    return StreamingResponse(pieces, media_type=_MEDIA[format_], headers=headers)
