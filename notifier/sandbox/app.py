"""The ASGI application: simulators (under a prefix and at their own paths), API and pages."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from notifier.sandbox.answers import json_answer
from notifier.sandbox.bluesky.errors import standard_refusal as bluesky_refusal
from notifier.sandbox.config import SandboxConfig
from notifier.sandbox.control import control_router
from notifier.sandbox.faults.middleware import FaultLayer
from notifier.sandbox.faults.rules import provider_of
from notifier.sandbox.hooks.api import standard_refusal as hook_refusal
from notifier.sandbox.mastodon.errors import standard_refusal as mastodon_refusal
from notifier.sandbox.pages.routes import Pages
from notifier.sandbox.records.api import RecordsApi
from notifier.sandbox.sandbox import Sandbox
from notifier.sandbox.sendgrid.errors import standard_refusal as sendgrid_refusal
from notifier.sandbox.x.errors import standard_refusal as x_refusal

REFUSALS = {
    "sendgrid": sendgrid_refusal,
    "x": x_refusal,
    "mastodon": mastodon_refusal,
    "bluesky": bluesky_refusal,
    "hooks": hook_refusal,
}


def create_app(config: SandboxConfig) -> FastAPI:
    """Build the application of a sandbox; `app.state.sandbox` is its `Sandbox`."""
    sandbox = Sandbox(config)
    app = FastAPI(
        title="Provider sandbox", docs_url=None, redoc_url=None, openapi_url="/sandbox/openapi.json", lifespan=_lifespan
    )
    app.state.sandbox = sandbox
    app.router.routes.extend(_provider_routes(sandbox))
    app.router.routes.extend(RecordsApi(sandbox).routes())
    app.router.routes.extend(Pages(sandbox).routes())
    app.include_router(control_router(sandbox))
    app.add_exception_handler(HTTPException, _no_such_thing)
    app.add_middleware(FaultLayer, live=sandbox.live, book=sandbox.faults, refusals=REFUSALS)
    return app


def _provider_routes(sandbox: Sandbox) -> list[Route]:
    """Return the providers' routes, busiest first: they are matched in order."""
    routes = sandbox.hooks.routes()
    for prefix in ("/sendgrid/v3", "/v3"):
        routes.append(Route(f"{prefix}/mail/send", sandbox.mail_send.send, methods=["POST"]))
    for prefix in ("/x/2", "/2"):
        routes += sandbox.x.routes(prefix)
    for prefix in ("/mastodon", ""):
        routes += sandbox.mastodon.routes(prefix)
    for prefix in ("/bluesky/xrpc", "/xrpc"):
        routes += sandbox.bluesky.routes(prefix)
    for prefix in ("/sendgrid/v3", "/v3"):
        routes += sandbox.management.routes(prefix)
    return routes + sandbox.status_pages.routes()


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    task = asyncio.create_task(app.state.sandbox.poster.run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _no_such_thing(request: Request, error: Exception) -> Response:
    """Respond to an unknown path or method in the format of the path's provider."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    refuse = REFUSALS.get(provider_of(request.url.path) or "")
    if refuse is not None:
        return refuse(status, None)
    return json_answer(status, {"error": getattr(error, "detail", "error")})
