"""The ASGI application: routers, middleware and error handlers for one installation."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from anyio import to_thread
from fastapi import APIRouter, FastAPI

from notifier import __version__
from notifier.api.docs import page
from notifier.api.http import problems
from notifier.api.http.body_limit import BodyLimit
from notifier.api.http.load_shedding import LoadShedder
from notifier.api.http.reader_share import Shares
from notifier.api.openapi import document, webhook_models
from notifier.api.request_context import RequestContextMiddleware
from notifier.api.routes import (
    approvals,
    audit,
    drafts,
    endpoints,
    events,
    health,
    history,
    inbound,
    posts,
    providers,
    sign_ups,
    signals,
    subscriber_lists,
    subscribers,
    templates,
    webhook_schemas,
)
from notifier.api.routes.operator_pages import KeyedInspection
from notifier.api.runtime import ApiRuntime
from notifier.api.state.event_intake import EventIntake, JsonPublisher, event_gate
from notifier.api.state.key_cache import ApiKeyCache
from notifier.api.state.metrics import RequestMetrics
from notifier.api.state.readiness import Readiness
from notifier.bootstrap.api_container import ApiContainer
from notifier.bootstrap.inbound_container import InboundContainer

# SendGrid sends up to 768 kB at once, whatever we allow our own producers.
_INBOUND, _INBOUND_BYTES = "/v1/inbound/", 2 * 1024 * 1024
_STREAMING = ("/v1/subscribers/import",)
# Fewer than the database's connections: requests queue for a thread, not for a connection.
_THREADS = 8
_INBOUND_AT_ONCE, _INBOUND_WAITING = 2, 64
_IMPORTS_AT_ONCE = 2

_DESCRIPTION = """
Publish incident events and notify merchants, followers and partner systems.

Lists are paged: `?limit=` and `?cursor=`, returned as `{"items": [...], "next": "..."}`. Times are RFC 3339 with an
offset. Errors are RFC 9457 problem documents (`application/problem+json`) with `errors: [{"field", "message"}]`. Every
response has `X-Request-Id`; send your own to find the request in both logs.
"""


def create_app(container: ApiContainer, *, pages: Sequence[APIRouter] = ()) -> FastAPI:
    """Build the API of one installation.

    Args:
        container: The installation; the caller closes it.
        pages: Routers served beside the API: console and public pages. They set their own headers.
    """
    app = FastAPI(
        title="Notifier",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
        webhooks=webhook_models.webhooks(),
    )
    app.state.runtime = build_runtime(container)
    problems.install(app)
    larger = {_INBOUND: max(_INBOUND_BYTES, container.settings.limits.request_bytes)}
    if container.settings.deployment.metrics_and_docs == "key":
        app.add_middleware(KeyedInspection)
    app.add_middleware(Shares)
    app.add_middleware(BodyLimit, limit=container.settings.limits.request_bytes, streaming=_STREAMING, larger=larger)
    is_encrypted = container.settings.deployment.public_url.startswith("https:")
    app.add_middleware(RequestContextMiddleware, is_encrypted=is_encrypted)  # added last: the outermost
    for router in (*_routers(), *pages):
        app.include_router(router)
    document.install(app)
    page.install(app)
    return app


def _routers() -> tuple[APIRouter, ...]:
    """In matching order: paths that end in `{...:path}` come after longer ones."""
    return (
        events.router,
        drafts.router,
        templates.router,
        approvals.router,
        providers.router,
        history.router,
        history.changes,
        history.incident,
        subscriber_lists.router,
        subscribers.router,
        sign_ups.router,
        signals.router,
        endpoints.router,
        posts.router,
        webhook_schemas.router,
        audit.router,
        inbound.router,
        health.router,
    )


def build_runtime(container: ApiContainer, load_shedder: LoadShedder | None = None) -> ApiRuntime:
    """Build the state that request handlers use: everything per installation, except its limits.

    `load_shedder` limits publishing; by default it fits the database.
    """
    intake = InboundContainer(container)
    request_metrics = RequestMetrics(container.metrics_snapshot.take)
    load_shedder = load_shedder or event_gate(one_writer=container.database.is_sqlite)
    event_intake = EventIntake(JsonPublisher(container), intake, request_metrics, load_shedder=load_shedder)
    return ApiRuntime(
        container=container,
        inbound=intake,
        key_cache=ApiKeyCache(container.api_keys),
        event_intake=event_intake,
        request_metrics=request_metrics,
        readiness=Readiness(container.stores),
        load_shedder=LoadShedder(at_once=_INBOUND_AT_ONCE, waiting=_INBOUND_WAITING),
        import_shedder=LoadShedder(at_once=_IMPORTS_AT_ONCE, waiting=0),
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    to_thread.current_default_thread_limiter().total_tokens = _THREADS
    yield
    await app.state.runtime.event_intake.close()
