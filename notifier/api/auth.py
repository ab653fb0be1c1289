"""Who may do what: bearer keys with scopes. One answer for a missing, wrong or revoked key."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from notifier.bootstrap.application import Application
from notifier.services.api_keys import Caller, Scope

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="notifier"'}


def runtime_of(request: Request) -> Application:
    """Return the application this process was built with."""
    application = request.app.state.application
    assert isinstance(application, Application)  # noqa: S101 - set by create_app
    return application


Runtime = Annotated[Application, Depends(runtime_of)]


def _presented(request: Request, *, in_query: bool) -> str | None:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and credentials.strip():
        return credentials.strip()
    return request.query_params.get("key") if in_query else None


def needs(scope: Scope, *, in_query: bool = False) -> Callable[..., Caller]:
    """Return a dependency that lets only callers with `scope` pass.

    `in_query` also takes `?key=`, for senders that cannot set headers.
    """

    def check(request: Request, runtime: Runtime) -> Caller:
        presented = _presented(request, in_query=in_query)
        caller = runtime.api_keys.authenticate(presented) if presented else None
        if caller is None:
            raise HTTPException(401, "A valid key is needed: Authorization: Bearer KEY", headers=_CHALLENGE)
        if scope not in caller.scopes:
            raise HTTPException(403, f"This key lacks the scope {scope.value!r}")
        return caller

    return check
