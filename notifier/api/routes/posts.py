"""Social posts: list, edit where the platform allows it, delete."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from notifier.api.auth import Manager, MayRead
from notifier.api.http import paging
from notifier.api.http.responses import json_answer
from notifier.api.openapi.models import ResponseModel
from notifier.api.openapi.route_docs import refuses, returns, returns_page
from notifier.api.runtime import Runtime
from notifier.domain.values import Platform

router = APIRouter(prefix="/v1/posts", tags=["posts"])


class PostOut(ResponseModel):
    """One post of one account. `state` is published or withdrawn; `url` is null if the post has no page."""

    id: str = Field(examples=["post_12"])
    number: int
    incident_id: str
    account: str
    platform: Platform
    locale: str
    text: str
    url: str | None
    provider_id: str | None
    state: str
    published_at: AwareDatetime
    changed_at: AwareDatetime | None


class PostText(BaseModel):
    """The new text of a post."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"text": "Opgelost: alles werkt weer."}})

    text: str = Field(min_length=1, max_length=10_000)


@router.get("", responses=returns_page(PostOut), dependencies=[MayRead])
def list_posts(
    runtime: Runtime,
    incident: Annotated[str | None, Query(max_length=200, description="Filter by incident.")] = None,
    limit: paging.Limit = paging.DEFAULT_LIMIT,
    cursor: paging.Cursor = None,
) -> Response:
    """List posts, newest first."""
    position = paging.decode(cursor, int)
    before = position[0] if position else None
    items = runtime.container.posts.list(incident_id=incident, before=before, limit=limit + 1)
    shown = items[:limit]
    return json_answer(paging.page(shown, paging.encode(shown[-1]["number"]) if len(items) > limit else None))


@router.get("/{post_id}", responses=returns(200, PostOut), dependencies=[MayRead])
def show_post(runtime: Runtime, post_id: str) -> Response:
    """Return one post."""
    return json_answer(runtime.container.posts.get(post_id))


_IN_THE_WAY = refuses({409: "It is withdrawn, its location is unknown, or the platform refused."})


@router.patch("/{post_id}", responses=returns(200, PostOut) | _IN_THE_WAY)
def edit_post(runtime: Runtime, actor: Manager, post_id: str, body: PostText) -> Response:
    """Replace the text of a post (Mastodon only). Elsewhere 409: delete the post, or publish an update."""
    return json_answer(runtime.container.posts.edit(post_id, body.text, actor))


@router.delete("/{post_id}", responses=returns(200, PostOut, "No longer public.") | _IN_THE_WAY)
def withdraw_post(runtime: Runtime, actor: Manager, post_id: str) -> Response:
    """Delete a post from its platform. The next post replies to the one before it."""
    return json_answer(runtime.container.posts.withdraw(post_id, actor))
