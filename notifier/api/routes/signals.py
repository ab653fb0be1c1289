"""Signals: what sources report, and saying that one of them is no disruption."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from notifier.api.auth import MayRead, actor_of, needs
from notifier.api.http import paging
from notifier.api.http.responses import json_answer
from notifier.api.openapi.proposal_models import SignalOut
from notifier.api.openapi.route_docs import returns, returns_page
from notifier.api.runtime import Runtime
from notifier.domain.proposals.signal import SignalState
from notifier.services.security.api_keys import Caller, KeyScope

router = APIRouter(prefix="/v1/signals", tags=["signals"])
Publisher = Annotated[Caller, Depends(needs(KeyScope.PUBLISH))]


@router.get("", responses=returns_page(SignalOut), dependencies=[MayRead])
def list_signals(
    runtime: Runtime,
    *,
    state: Annotated[list[SignalState] | None, Query(description="Filter by state.")] = None,
    source: Annotated[str | None, Query(max_length=64, description="Filter by source.")] = None,
    limit: paging.Limit = paging.DEFAULT_LIMIT,
    cursor: paging.Cursor = None,
) -> Response:
    """List signals, those that began last first."""
    before = paging.instant_and_id(cursor)
    items = runtime.inbound.signals.page(states=state or (), source=source, before=before, limit=limit + 1)
    shown = items[:limit]
    more = len(items) > limit
    following = paging.encode(shown[-1]["first_seen_at"], shown[-1]["id"]) if more else None
    return json_answer(paging.page(list(shown), following))


@router.get("/{signal_id}", responses=returns(200, SignalOut), dependencies=[MayRead])
def show_signal(runtime: Runtime, signal_id: str) -> Response:
    """Return one signal."""
    return json_answer(runtime.inbound.signals.get(signal_id))


@router.post("/{signal_id}/ignore", responses=returns(200, SignalOut))
def ignore_signal(request: Request, runtime: Runtime, caller: Publisher, signal_id: str) -> Response:
    """Ignore a signal: it is no disruption. Its draft is discarded, unless it stands for other signals too."""
    return json_answer(runtime.inbound.signals.ignore(signal_id, actor_of(request, caller)))
