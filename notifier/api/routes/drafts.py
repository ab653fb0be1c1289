"""Drafts: propose, edit together, look at, publish."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from notifier.api.auth import MayRead, actor_of, needs
from notifier.api.http import paging
from notifier.api.http.responses import json_answer
from notifier.api.openapi.models import ReceiptOut
from notifier.api.openapi.proposal_models import DraftOut, DraftPreviewOut, ReachOut
from notifier.api.openapi.route_docs import body_of, refuses, returns, returns_page
from notifier.api.runtime import ApiRuntime, Runtime
from notifier.domain.errors import FieldError, InvalidInputError
from notifier.domain.proposals.draft import DraftState
from notifier.inbound.bodies import read_json
from notifier.inbound.drafts import DraftBody, DraftPatch, PublicationBody, read_patch
from notifier.services.drafts.manage import NewDraft
from notifier.services.drafts.preview import PreviewChannel
from notifier.services.security.api_keys import Caller, KeyScope
from notifier.services.security.audit import Actor

router = APIRouter(prefix="/v1/drafts", tags=["drafts"])
Publisher = Annotated[Caller, Depends(needs(KeyScope.PUBLISH))]
IfMatch = Annotated[str | None, Header(description="The version you saw, instead of `version`.", max_length=40)]
_VERSIONS = refuses({409: "Somebody changed it since the version you saw, or it is not open."})
_OUTDATED = refuses({409: "Not open, changed since the version you saw, or its incident has a later update."})


@router.post("", status_code=201, responses=returns(201, DraftOut), openapi_extra=body_of(DraftBody))
async def create_draft(request: Request, runtime: Runtime, caller: Publisher) -> Response:
    """Create a draft from any part of an event, a template, or a signal."""
    wanted = read_json(DraftBody, await request.body() or b"{}")
    new = NewDraft(**dict(wanted))
    made = await run_in_threadpool(runtime.container.drafts.create, new, actor_of(request, caller))
    return json_answer(made, 201, {"Location": f"/v1/drafts/{made['id']}", "ETag": _etag(made["version"])})


@router.get("", responses=returns_page(DraftOut), dependencies=[MayRead])
def list_drafts(
    runtime: Runtime,
    *,
    state: Annotated[DraftState, Query(description="Filter by state.")] = DraftState.OPEN,
    limit: paging.Limit = paging.DEFAULT_LIMIT,
    cursor: paging.Cursor = None,
) -> Response:
    """List drafts, newest first; the open ones unless `state` says otherwise."""
    before = paging.instant_and_id(cursor)
    items = runtime.container.drafts.page(state, before=before, limit=limit + 1)
    return json_answer(paging.by_creation(items, limit))


@router.get("/{draft_id}", responses=returns(200, DraftOut), dependencies=[MayRead])
def show_draft(runtime: Runtime, draft_id: str) -> Response:
    """Return one draft."""
    return _answer(runtime.container.drafts.get(draft_id))


@router.patch("/{draft_id}", responses=returns(200, DraftOut) | _VERSIONS, openapi_extra=body_of(DraftPatch))
async def change_draft(
    request: Request, runtime: Runtime, caller: Publisher, draft_id: str, if_match: IfMatch = None
) -> Response:
    """Merge a patch (RFC 7396) into a draft: null removes, objects merge, everything else replaces."""
    patch, version = read_patch(await request.body())
    seen, actor = _seen(version, if_match), actor_of(request, caller)
    change = runtime.container.drafts.change
    return _answer(await run_in_threadpool(lambda: change(draft_id, patch, seen_version=seen, actor=actor)))


@router.delete("/{draft_id}", responses=returns(200, DraftOut) | _VERSIONS)
def discard_draft(
    request: Request,
    runtime: Runtime,
    caller: Publisher,
    draft_id: str,
    *,
    version: Annotated[int | None, Query(ge=1, description="The version you saw; any if omitted.")] = None,
    if_match: IfMatch = None,
) -> Response:
    """Discard a draft. It stays readable with state `discarded` for as long as `[retention]` says."""
    seen = _seen(version, if_match) if version is not None or if_match is not None else None
    return _answer(runtime.container.drafts.discard(draft_id, seen_version=seen, actor=actor_of(request, caller)))


@router.post(
    "/{draft_id}/publish",
    status_code=202,
    responses=returns(202, ReceiptOut) | _OUTDATED,
    openapi_extra=body_of(PublicationBody),
)
async def publish_draft(
    request: Request, runtime: Runtime, caller: Publisher, draft_id: str, if_match: IfMatch = None
) -> Response:
    """Publish a draft, as `POST /v1/events` would. Publishing the same version again returns the same answer."""
    version = read_json(PublicationBody, await request.body() or b"{}").version
    seen, actor = _seen(version, if_match), actor_of(request, caller)
    guarded = KeyScope.ANNOUNCE not in caller.scopes
    receipt = await run_in_threadpool(_publish, runtime, draft_id, seen, actor, guarded)
    return json_answer(receipt, 202)


def _publish(runtime: ApiRuntime, draft_id: str, seen: int, actor: Actor, guarded: bool) -> Any:  # noqa: FBT001
    return runtime.container.publish_draft.publish(draft_id, seen_version=seen, actor=actor, guarded=guarded)


@router.get("/{draft_id}/reach", responses=returns(200, ReachOut), dependencies=[MayRead])
def show_reach(runtime: Runtime, draft_id: str) -> Response:
    """Count whom a draft would concern if it were published now, by what they chose."""
    return json_answer(runtime.container.draft_reach.of(draft_id))


@router.get("/{draft_id}/preview", responses=returns(200, DraftPreviewOut), dependencies=[MayRead])
def show_preview(
    runtime: Runtime,
    draft_id: str,
    *,
    channel: Annotated[PreviewChannel, Query(description="Where it is read.")] = PreviewChannel.EMAIL,
    locale: Annotated[
        str | None, Query(max_length=35, description="Locale; the brand's default locale if omitted.")
    ] = None,
) -> Response:
    """Render a draft as it would be sent, on top of what its incident has said so far."""
    language = locale or runtime.container.vocabulary.default_locale
    return json_answer(runtime.container.draft_preview.of(draft_id, channel, language))


def _answer(draft: Any) -> Response:
    return json_answer(draft, headers={"ETag": _etag(draft["version"])})


def _etag(version: int) -> str:
    return f'"{version}"'


def _seen(version: int | None, if_match: str | None) -> int:
    """Return the version that the caller saw.

    Raises:
        InvalidInputError: They do not say.
    """
    if version is not None:
        return version
    text = (if_match or "").strip().removeprefix("W/").strip('"')
    if not text.isascii() or not text.isdigit():
        message = "is missing: send the version you saw, here or as If-Match"
        raise InvalidInputError([FieldError("version", message)])
    return int(text)
