"""Incident templates: prepared texts that fill in drafts."""

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from notifier.api.auth import Manager, MayRead
from notifier.api.http.paging import page
from notifier.api.http.responses import json_answer
from notifier.api.openapi.proposal_models import TemplateOut
from notifier.api.openapi.route_docs import body_of, refuses, returns, returns_page
from notifier.api.runtime import Runtime
from notifier.inbound.drafts import TemplateBody, read_template, read_template_patch
from notifier.services.drafts.templates import parsed

router = APIRouter(prefix="/v1/templates", tags=["drafts"])
_CONFIGURED = refuses({409: "It is configured in `notifier.toml`."})


@router.post("", status_code=201, responses=returns(201, TemplateOut), openapi_extra=body_of(TemplateBody))
async def create_template(request: Request, runtime: Runtime, actor: Manager) -> Response:
    """Create a template. Placeholders: `{components}`, `{source}`, `{upstream}`, `{link}`, `{time}`."""
    wanted = parsed(read_template(await request.body()))
    made = await run_in_threadpool(runtime.container.templates.create, wanted, actor)
    return json_answer(made, 201, {"Location": f"/v1/templates/{made['id']}"})


@router.get("", responses=returns_page(TemplateOut), dependencies=[MayRead])
def list_templates(runtime: Runtime) -> Response:
    """List templates: those of `notifier.toml` first, the others by name."""
    return json_answer(page(runtime.container.templates.listed(), None))


@router.get("/{template_id}", responses=returns(200, TemplateOut), dependencies=[MayRead])
def show_template(runtime: Runtime, template_id: str) -> Response:
    """Return one template."""
    return json_answer(runtime.container.templates.get(template_id))


@router.patch("/{template_id}", responses=returns(200, TemplateOut) | _CONFIGURED, openapi_extra=body_of(TemplateBody))
async def change_template(request: Request, runtime: Runtime, actor: Manager, template_id: str) -> Response:
    """Merge a patch (RFC 7396) into a template."""
    patch = await request.body()
    return json_answer(await run_in_threadpool(_change, runtime, template_id, patch, actor))


def _change(runtime: Runtime, template_id: str, patch: bytes, actor: Manager) -> object:
    templates = runtime.container.templates
    wanted = parsed(read_template_patch(templates.get(template_id), patch))
    return templates.replace(template_id, wanted, actor)


@router.delete("/{template_id}", status_code=204, responses=_CONFIGURED)
def remove_template(runtime: Runtime, actor: Manager, template_id: str) -> Response:
    """Remove a template; drafts made from it stay."""
    runtime.container.templates.remove(template_id, actor)
    return Response(status_code=204)
