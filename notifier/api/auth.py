"""Authorization: bearer keys with scopes. A missing, wrong or revoked key gets the same answer."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyQuery, HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from notifier.api.runtime import ApiRuntime, runtime_of
from notifier.services.security.api_keys import Caller, KeyScope
from notifier.services.security.audit import Actor

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="notifier"'}
_BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="bearer",
    bearerFormat="ntf_key_...",
    description="An API key, or the admin token. Scopes: `publish`, `announce`, `manage`, `read`.",
)
_IN_QUERY = APIKeyQuery(
    name="key",
    auto_error=False,
    scheme_name="key",
    description="An API key without scope `manage`, for senders that cannot set headers. Inbound only; never logged.",
)


def _in_header(request: Request) -> str | None:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else None


async def _known(request: Request, presented: str | None, scope: KeyScope) -> Caller:
    runtime = runtime_of(request)
    caller = await runtime.key_cache.caller(presented) if presented else None
    if caller is None:
        wait = await run_in_threadpool(_refused, runtime, origin_of(request)) if presented else 0
        if wait:
            detail = "Too many invalid keys from this network; valid keys are still accepted"
            raise HTTPException(429, detail, headers={"Retry-After": str(wait)})
        detail = "A valid API key is required: Authorization: Bearer KEY"
        raise HTTPException(401, detail, headers=_CHALLENGE)
    if caller.source is not None and request.path_params.get("source") != caller.source:
        raise HTTPException(403, f"This API key is bound to the source {caller.source!r} and opens nothing else")
    if scope not in caller.scopes:
        challenge = f'{_CHALLENGE["WWW-Authenticate"]}, error="insufficient_scope", scope="{scope}"'
        raise HTTPException(
            403, f"This API key lacks the scope {scope.value!r}", headers={"WWW-Authenticate": challenge}
        )
    return caller


def _refused(runtime: ApiRuntime, origin: str) -> int:
    """Count a wrong key. Returns the seconds for which its network should pause."""
    wait = runtime.container.key_throttle.note(origin)
    runtime.container.metrics_buffer.key_refused("api", "paused" if wait else "unknown")
    return wait


def origin_of(request: Request) -> str:
    """Return the network address that a request comes from."""
    return request.client.host if request.client else "unknown"


def needs(scope: KeyScope) -> Callable[..., Awaitable[Caller]]:
    """Return a dependency that admits callers with `scope`; reads the key from the header only."""

    async def check(request: Request, _documented: Annotated[object, Security(_BEARER)] = None) -> Caller:
        return await _known(request, _in_header(request), scope)

    return check


async def admit(request: Request, scope: KeyScope) -> Caller:
    """Admit callers with `scope`, without a FastAPI dependency: they are slow to resolve.

    The route must document its security itself.
    """
    return await _known(request, _in_header(request), scope)


async def may_hand_in(
    request: Request,
    _documented: Annotated[object, Security(_BEARER)] = None,
    _also: Annotated[object, Security(_IN_QUERY)] = None,
) -> Caller:
    """Admit callers with scope publish; the key comes from the header or from `?key=`."""
    presented = _in_header(request)
    return await (_known(request, presented, KeyScope.PUBLISH) if presented else _known_by_query(request))


async def _known_by_query(request: Request) -> Caller:
    """Refuse keys with scope manage in `?key=`: URLs end up in many logs."""
    caller = await _known(request, request.query_params.get("key"), KeyScope.PUBLISH)
    if KeyScope.MANAGE in caller.scopes:
        detail = "A key with scope 'manage' is not accepted in ?key=: create a key with scope 'publish' for each source"
        raise HTTPException(403, detail)
    return caller


async def may_hand_in_if_keyed(
    request: Request,
    _documented: Annotated[object, Security(_BEARER)] = None,
    _also: Annotated[object, Security(_IN_QUERY)] = None,
) -> Caller | None:
    """Like `may_hand_in`, but None without a key: the sender may authenticate otherwise."""
    presented = _in_header(request) or request.query_params.get("key")
    return await may_hand_in(request) if presented else None


def actor_of(request: Request, caller: Caller) -> Actor:
    """Return the caller and its network address, for the audit trail."""
    return caller.acting_from(origin_of(request))


async def _manager(request: Request, caller: Annotated[Caller, Depends(needs(KeyScope.MANAGE))]) -> Actor:
    return actor_of(request, caller)


Manager = Annotated[Actor, Depends(_manager)]
"""The caller of a changing request, for the audit trail; needs scope manage."""

_may_read = needs(KeyScope.READ)
MayRead = Depends(_may_read)
Reader = Annotated[Caller, MayRead]
"""The caller of a reading request; needs scope read.

Some answers depend on the caller (`services/security/masking.py`).
"""
MayManage = Depends(needs(KeyScope.MANAGE))
