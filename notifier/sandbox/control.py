"""The API to control a sandbox: faults, webhook receivers, rules, the event webhook."""

from dataclasses import asdict, fields, replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from notifier.sandbox.config import EventWebhook, Rules
from notifier.sandbox.faults.rules import Fault, Kind, Match
from notifier.sandbox.hooks.inbox import Behaviour
from notifier.sandbox.hooks.inbox import Kind as HookKind
from notifier.sandbox.hooks.signature import key_of
from notifier.sandbox.sandbox import Sandbox

Provider = Literal["sendgrid", "x", "mastodon", "bluesky", "hooks", "*"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class MatchIn(_Strict):
    """Which requests a fault affects: all given fields must match, `path` and `body` in part."""

    method: str | None = None
    path: str | None = None
    body: str | None = None


class FaultIn(_Strict):
    """A fault to inject. `match` may be a string: a substring of the path."""

    provider: Provider
    kind: Kind
    status: Annotated[int, Field(ge=200, le=599)] = 503
    delay: Annotated[float, Field(ge=0, le=600)] = 0.0
    count: Annotated[int, Field(ge=1)] | None = None
    every: Annotated[int, Field(ge=1)] = 1
    skip: Annotated[int, Field(ge=0)] = 0
    after_accept: bool = False
    match: MatchIn | str = MatchIn()
    headers: dict[str, str] = {}
    body: str | None = None


class BehaviourIn(_Strict):
    """How a receiver responds; see `hooks.inbox.Behaviour`."""

    kind: HookKind = "ok"
    seconds: Annotated[float, Field(ge=0, le=600)] = 2.0
    count: Annotated[int, Field(ge=0)] = 2
    status: Annotated[int, Field(ge=200, le=599)] = 500
    location: str = "/hooks/elsewhere"
    retry_after: str | None = None


class HookIn(_Strict):
    """A receiver: its signing secrets (several during a rotation) and its behaviour."""

    secret: str | None = None
    secrets: list[str] = []
    behaviour: BehaviourIn | HookKind = "ok"


class EventsIn(_Strict):
    """Where and how to post event batches; without a URL, none are posted."""

    url: str | None
    interval: Annotated[float, Field(gt=0)] = 0.5
    retry: Annotated[float, Field(gt=0)] = 1.0
    give_up_after: float = 86_400.0
    duplicates: Annotated[float, Field(ge=0, le=1)] = 0.05
    reordered: Annotated[float, Field(ge=0, le=1)] = 0.2
    batch_events: Annotated[int, Field(ge=1)] = 1_000


def control_router(sandbox: Sandbox) -> APIRouter:
    """Return the control API of one sandbox, below `/sandbox`."""
    router = APIRouter(prefix="/sandbox")
    _add_faults(router, sandbox)
    _add_hooks(router, sandbox)
    _add_switches(router, sandbox)
    return router


def _add_faults(router: APIRouter, sandbox: Sandbox) -> None:
    book = sandbox.faults

    @router.post("/faults", status_code=201)
    async def add_fault(wanted: FaultIn) -> dict[str, Any]:
        match = MatchIn(path=wanted.match) if isinstance(wanted.match, str) else wanted.match
        fault = Fault(**wanted.model_dump(exclude={"match"}), match=Match(**match.model_dump()))
        book.faults.append(fault)
        return asdict(fault)

    @router.get("/faults")
    async def list_faults() -> dict[str, Any]:
        return {"items": [asdict(fault) for fault in book.faults], "log": list(book.log)}

    @router.delete("/faults", status_code=204)
    async def clear_faults() -> None:
        book.faults.clear()

    @router.delete("/faults/{fault_id}", status_code=204)
    async def remove_fault(fault_id: int) -> None:
        book.faults[:] = [fault for fault in book.faults if fault.id != fault_id]


def _add_hooks(router: APIRouter, sandbox: Sandbox) -> None:
    @router.put("/hooks/{name}")
    async def register_hook(name: str, wanted: HookIn) -> dict[str, Any]:
        secrets = (*wanted.secrets, *([wanted.secret] if wanted.secret else []))
        for secret in secrets:
            try:
                key_of(secret)
            except ValueError as error:
                raise HTTPException(422, str(error)) from error
        behaviour = (
            wanted.behaviour if isinstance(wanted.behaviour, BehaviourIn) else BehaviourIn(kind=wanted.behaviour)
        )
        hook = sandbox.hooks.inboxes.hook(name)
        hook.secrets, hook.behaviour = secrets, Behaviour(**behaviour.model_dump())
        return {"name": name, "registered": bool(secrets), "behaviour": behaviour.model_dump()}

    @router.delete("/hooks/{name}", status_code=204)
    async def remove_hook(name: str) -> None:
        sandbox.hooks.inboxes.hooks.pop(name, None)


def _add_switches(router: APIRouter, sandbox: Sandbox) -> None:
    @router.patch("/switches/{section}")
    async def turn_switches(
        section: Literal["sendgrid", "recipients", "x", "mastodon", "bluesky"], changes: dict[str, Any]
    ) -> dict[str, Any]:
        rules: Rules = getattr(sandbox.live.config, section)
        sandbox.live.turn(section, **_checked(rules, changes))
        return changes

    @router.put("/events")
    async def set_events(wanted: EventsIn) -> dict[str, Any]:
        rules = EventWebhook(**wanted.model_dump()) if wanted.url else None
        sandbox.live.config = replace(sandbox.live.config, events=rules)
        return {"url": wanted.url, "public_key": sandbox.management.public_key}

    @router.post("/events/inject", status_code=202)
    async def inject_events(events: list[dict[str, Any]]) -> dict[str, int]:
        if sandbox.live.config.events is None:
            raise HTTPException(409, "no event webhook is set")
        sandbox.poster.inject(events)
        return {"pending": sandbox.poster.pending}

    @router.post("/events/flush", status_code=202)
    async def flush_events() -> dict[str, int]:
        await sandbox.poster.flush()
        return {"pending": sandbox.poster.pending}


def _checked(rules: Rules, changes: dict[str, Any]) -> dict[str, Any]:
    """Validate changes against a rules class; refuse fields that JSON cannot express."""
    types = {one.name: (one.type, getattr(rules, one.name)) for one in fields(rules) if one.name not in _NOT_JSON}
    model = create_model("Switches", __config__=ConfigDict(extra="forbid"), **types)  # type: ignore[call-overload]
    try:
        checked = model.model_validate(changes)
    except ValidationError as error:
        raise HTTPException(422, error.errors(include_url=False, include_context=False)) from error
    return {name: getattr(checked, name) for name in changes}


_NOT_JSON = frozenset({"leftover_tag", "by_word"})
