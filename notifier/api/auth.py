"""Who may do what: bearer keys with scopes. One answer for a missing, wrong or revoked key."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyQuery, HTTPBearer
from starlette.exceptions import HTTPException

from notifier.api.runtime import ApiRuntime, Runtime, runtime_of
from notifier.services.api_keys import Caller, Scope
from notifier.services.audit import Actor

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="notifier"'}
_BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="bearer",
    bearerFormat="ntf_key_...",
    description="A key made by `notifier keys create`, or the admin token. Scopes: `publish`, `manage`, `read`.",
)
_IN_QUERY = APIKeyQuery(
    name="key",
    auto_error=False,
    scheme_name="key",
    description="The same key, for senders that cannot set headers. Inbound calls only; it is never logged.",
)


def _in_header(request: Request) -> str | None:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else None


async def _known(runtime: ApiRuntime, presented: str | None, scope: Scope) -> Caller:
    caller = await runtime.keyring.caller(presented) if presented else None
    if caller is None:
        detail = "A valid key is needed: Authorization: Bearer KEY"
        raise HTTPException(401, detail, headers=_CHALLENGE)
    if scope not in caller.scopes:
        challenge = f'{_CHALLENGE["WWW-Authenticate"]}, error="insufficient_scope", scope="{scope}"'
        raise HTTPException(403, f"This key lacks the scope {scope.value!r}", headers={"WWW-Authenticate": challenge})
    return caller


def needs(scope: Scope) -> Callable[..., Awaitable[Caller]]:
    """Return a dependency that lets only callers with `scope` pass, by the header alone."""

    async def check(
        request: Request, runtime: Runtime, _documented: Annotated[object, Security(_BEARER)] = None
    ) -> Caller:
        return await _known(runtime, _in_header(request), scope)

    return check


async def admit(request: Request, scope: Scope) -> Caller:
    """Let only callers with `scope` pass, without a dependency: FastAPI takes longer to solve one than to answer.

    The route then documents its security itself.
    """
    return await _known(runtime_of(request), _in_header(request), scope)


async def may_hand_in(
    request: Request,
    runtime: Runtime,
    _documented: Annotated[object, Security(_BEARER)] = None,
    _also: Annotated[object, Security(_IN_QUERY)] = None,
) -> Caller:
    """Let callers with scope publish pass, by header or by `?key=`."""
    return await _known(runtime, _in_header(request) or request.query_params.get("key"), Scope.PUBLISH)


async def may_hand_in_if_keyed(
    request: Request,
    runtime: Runtime,
    _documented: Annotated[object, Security(_BEARER)] = None,
    _also: Annotated[object, Security(_IN_QUERY)] = None,
) -> Caller | None:
    """Like `may_hand_in` for a sender who may prove itself in another way: None without any key."""
    presented = _in_header(request) or request.query_params.get("key")
    return await _known(runtime, presented, Scope.PUBLISH) if presented else None


def actor_of(request: Request, caller: Caller) -> Actor:
    """Return who acts, and from which network address."""
    return caller.acting_from(request.client.host if request.client else "unknown")


async def _manager(request: Request, caller: Annotated[Caller, Depends(needs(Scope.MANAGE))]) -> Actor:
    return actor_of(request, caller)


Manager = Annotated[Actor, Depends(_manager)]
"""Who changes something, for the audit trail; needs scope manage."""

MayRead = Depends(needs(Scope.READ))
MayManage = Depends(needs(Scope.MANAGE))
