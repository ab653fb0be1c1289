"""The audit trail."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from notifier.api.auth import MayManage
from notifier.api.http import paging
from notifier.api.http.responses import json_answer
from notifier.api.openapi.models import AuditOut
from notifier.api.openapi.route_docs import returns_page
from notifier.api.runtime import Runtime

router = APIRouter(prefix="/v1/audit", tags=["audit"], dependencies=[MayManage])
_Word = Annotated[str | None, Query(max_length=200)]


@router.get("", responses=returns_page(AuditOut))
def list_audit(
    runtime: Runtime,
    object_kind: _Word = None,
    object_id: _Word = None,
    limit: paging.Limit = paging.DEFAULT_LIMIT,
    cursor: paging.Cursor = None,
) -> Response:
    """List changes of subscribers, endpoints and keys, newest first. Erased subscribers are found by their old id."""
    position = paging.decode(cursor, int)
    before = position[0] if position else None
    items = runtime.inbound.audit.entries(limit=limit + 1, before=before, kind=object_kind, object_id=object_id)
    shown = items[:limit]
    return json_answer(paging.page(shown, paging.encode(shown[-1]["id"]) if len(items) > limit else None))
