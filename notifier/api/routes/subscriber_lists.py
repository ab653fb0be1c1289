"""Import and export of subscriber lists of any length."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field
from starlette.exceptions import HTTPException

from notifier.api.auth import Manager, MayManage
from notifier.api.http.responses import json_answer
from notifier.api.http.streams import as_file
from notifier.api.openapi.models import FaultOut, ResponseModel
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


class BadRowOut(ResponseModel):
    """A rejected row with every reason."""

    line: int
    errors: list[FaultOut]


class ImportOut(ResponseModel):
    """The result of an import. `rows` is the sum of created, updated, unchanged, repeated and rejected."""

    rows: int
    created: int
    updated: int
    unchanged: int
    repeated: int = Field(description="Rows with the same external_id as an earlier row; the last one counts.")
    rejected: int
    kept_unsubscribed: int = Field(description="Rows for people who unsubscribed; they stay unsubscribed.")
    errors: list[BadRowOut] = Field(description="The first thousand rejected rows.")
    errors_left_out: int


_Basis = Annotated[LegalBasis, Query(description="Legal basis for writing to new subscribers; stored with them.")]
_Invite = Annotated[
    bool, Query(description="Rows without a state become `pending`; new subscribers receive a mail to confirm.")
]
_BODY: dict[str, dict[str, Any]] = {
    "text/csv": {"schema": {"type": "string"}, "example": _CSV},
    "application/x-ndjson": {"schema": {"type": "string"}, "example": _NDJSON},
}


@router.post("/import", responses=returns(200, ImportOut, "Every row was processed."), openapi_extra=raw_body(_BODY))
async def import_subscribers(
    request: Request,
    runtime: Runtime,
    actor: Manager,
    legal_basis: _Basis = LegalBasis.IMPORT,
    *,
    invite: _Invite = False,
) -> Response:
    """Import a list as a stream: CSV with a header row, or NDJSON, according to `Content-Type`.

    Rows are upserted by `external_id`. Valid rows are kept; invalid ones are listed with line and reason. After an
    interruption, send the whole list again: rows already imported are unchanged.
    """
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    source = as_file(request.stream())

    def work() -> dict[str, Any]:
        list_format = _FORMATS.get(media) or format_of(source.peek(_SNIFFED))
        bring = runtime.container.subscriber_import
        return bring.run(source, list_format, actor, legal_basis=legal_basis, invite=invite).as_json()

    try:
        return json_answer(await runtime.import_shedder.run(work))
    except TimeoutError:
        raise HTTPException(408, "The upload stalled; complete chunks are stored, send the list again") from None


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
        Query(
            alias="format", description="CSV has the standard columns; NDJSON has everything, including suppressions."
        ),
    ] = ListFormat.NDJSON,
    *,
    every_column: Annotated[bool, Query(description="CSV: include quiet hours and the hourly limit.")] = False,
    spreadsheet: Annotated[
        bool, Query(description="CSV: escape formulas, for spreadsheets; not for re-import.")
    ] = False,
) -> StreamingResponse:
    """Export all subscribers as a stream, in a format that import accepts."""
    pieces = runtime.container.subscriber_export.run(format_, every_column=every_column, spreadsheet=spreadsheet)
    headers = {"Content-Disposition": f'attachment; filename="subscribers.{format_}"'}
    return StreamingResponse(pieces, media_type=_MEDIA[format_], headers=headers)
