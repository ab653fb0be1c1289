"""The ASGI application: routers, guards and error answers around one `Application`."""

from fastapi import FastAPI

from notifier import __version__
from notifier.api import events, health, history, problems
from notifier.api.limits import BodyLimit
from notifier.bootstrap.application import Application

_MAX_BODY = 512 * 1024
_STREAMING = ("/v1/subscribers/import",)

_DESCRIPTION = """
Takes incident events and tells merchants, followers and partner systems. Errors are
[RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) problem documents with `errors: [{"field", "message"}]`.
"""


def create_app(application: Application) -> FastAPI:
    """Build the API of one installation."""
    app = FastAPI(title="Notifier", version=__version__, description=_DESCRIPTION)
    app.state.application = application
    problems.install(app)
    app.add_middleware(BodyLimit, limit=_MAX_BODY, streaming=_STREAMING)
    for router in (events.router, history.router, history.changes, health.router):
        app.include_router(router)
    return app
