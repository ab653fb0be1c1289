"""Metrics and the API's documentation, for operators; optionally behind a key."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from notifier.api import auth
from notifier.api.http.problems import problem, unavailable
from notifier.domain.errors import UnavailableError
from notifier.services.security.api_keys import KeyScope

_PATHS = frozenset({"/metrics", "/docs", "/docs/style.css", "/openapi.json"})


class KeyedInspection:
    """Requires a key with scope read for these pages."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on all other paths, and requests with such a key."""
        if scope["type"] == "http" and scope["path"] in _PATHS:
            try:
                await auth.admit(Request(scope, receive), KeyScope.READ)
            except HTTPException as error:
                await problem(error.status_code, str(error.detail), headers=error.headers)(scope, receive, send)
                return
            except UnavailableError:
                await unavailable("The API key cannot be checked: the database is unavailable.")(scope, receive, send)
                return
        await self._app(scope, receive, send)
