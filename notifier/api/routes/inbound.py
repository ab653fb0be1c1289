"""Webhooks of other systems, in their own formats. A new `{source}` is registered by its first use."""

from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.exceptions import HTTPException

from notifier.api.auth import actor_of, may_hand_in, may_hand_in_if_keyed
from notifier.api.http.responses import json_answer
from notifier.api.openapi.examples import ALERTS, MAIL_EVENTS, STATUSPAGE
from notifier.api.openapi.models import FeedbackOut, IntegrationReceiptOut
from notifier.api.openapi.route_docs import raw_body, returns
from notifier.api.runtime import ApiRuntime, Runtime
from notifier.domain.errors import FieldError, InvalidInputError
from notifier.inbound.alertmanager import parse_alerts
from notifier.inbound.integrations import check_source
from notifier.inbound.sendgrid import SIGNATURE_HEADER, TIMESTAMP_HEADER, is_signed, parse_mail_events
from notifier.inbound.statuspage import PageSource, parse_statuspage
from notifier.services.events.intake_log import log_taken
from notifier.services.events.integrations import IntegrationReceipt
from notifier.services.provider_events.record import ProviderEventSummary
from notifier.services.security.api_keys import Caller, KeyScope
from notifier.services.security.audit import Actor

router = APIRouter(prefix="/v1/inbound", tags=["inbound"])
_OBJECT: dict[str, Any] = {"type": "object"}


def _json(schema: dict[str, Any], example: object) -> dict[str, Any]:
    return raw_body({"application/json": {"schema": schema, "example": example}})


Producer = Annotated[Caller, Depends(may_hand_in)]


class _By(NamedTuple):
    """The caller of an inbound webhook; `guarded`: it lacks the scope announce."""

    actor: Actor
    guarded: bool


def _by(request: Request, caller: Caller, kind: str, source: str) -> _By:
    actor = actor_of(request, caller).by_way_of(kind, check_source(source))
    return _By(actor, KeyScope.ANNOUNCE not in caller.scopes)


@router.post(
    "/statuspage/{source}",
    status_code=202,
    responses=returns(202, IntegrationReceiptOut),
    openapi_extra=_json(_OBJECT, STATUSPAGE),
)
async def take_statuspage(
    request: Request,
    runtime: Runtime,
    caller: Producer,
    source: str,
    locale: Annotated[
        str | None, Query(max_length=35, description="Language of the page; the default locale if omitted.")
    ] = None,
) -> Response:
    """Receive a webhook of an Atlassian Statuspage.

    The latest update is announced. Older unknown updates are only recorded, so the first webhook of a running incident
    does not announce its history. Repeats are duplicates, edits in place are edits. A component change alone is only
    recorded. Text is plain: Markdown and HTML in it are not interpreted.
    """
    body = await request.body()
    by = _by(request, caller, "statuspage", source)
    receipt = await runtime.load_shedder.run(lambda: _statuspage(runtime, source, locale, body, by), who=caller.id)
    log_taken(receipt, by.actor)
    runtime.request_metrics.event("statuspage", receipt.outcome)
    return json_answer(receipt.as_json(), 202)


def _statuspage(runtime: ApiRuntime, source: str, locale: str | None, body: bytes, by: _By) -> IntegrationReceipt:
    vocabulary = runtime.container.vocabulary
    if locale is not None and locale not in vocabulary.locales:
        raise InvalidInputError([FieldError("locale", vocabulary.locale_fault(locale))])
    page = PageSource(
        source=source,
        locale=locale or vocabulary.default_locale,
        components=runtime.inbound.component_names,
    )
    return runtime.inbound.statuspage.take(parse_statuspage(body, page), by.actor, guarded=by.guarded)


@router.post(
    "/alertmanager/{source}",
    status_code=202,
    responses=returns(202, IntegrationReceiptOut),
    openapi_extra=_json(_OBJECT, ALERTS),
)
async def take_alerts(request: Request, runtime: Runtime, caller: Producer, source: str) -> Response:
    """Receive a webhook of a Prometheus Alertmanager, version 4.

    A firing group opens an incident (`investigating`) with a neutral text, the impact from label `severity` and the
    components from label `component`. Once all of its alerts are resolved it becomes `monitoring`, and after a quiet
    period `resolved`. After a person has written an update, alerts are recorded and change nothing.
    """
    body = await request.body()
    by = _by(request, caller, "alertmanager", source)
    receipt = await runtime.load_shedder.run(lambda: _alerts(runtime, source, body, by), who=caller.id)
    log_taken(receipt, by.actor)
    runtime.request_metrics.event("alertmanager", receipt.outcome)
    return json_answer(receipt.as_json(), 202)


def _alerts(runtime: ApiRuntime, source: str, body: bytes, by: _By) -> IntegrationReceipt:
    group = parse_alerts(body, source=source, rules=runtime.inbound.alert_rules)
    return runtime.inbound.alerts.take(group, by.actor, guarded=by.guarded)


@router.post(
    "/sendgrid/events",
    responses=returns(200, FeedbackOut, "Stored."),
    openapi_extra=_json({"type": "array", "items": _OBJECT}, MAIL_EVENTS),
)
async def take_mail_events(
    request: Request, runtime: Runtime, caller: Annotated[Caller | None, Depends(may_hand_in_if_keyed)]
) -> Response:
    """Receive a batch of SendGrid's Event Webhook.

    If the verification key is configured, the signature of the raw body is checked; otherwise a key with scope publish
    is required (header or `?key=`). Irrelevant event types are ignored.
    """
    body = await request.body()
    signature = (request.headers.get(TIMESTAMP_HEADER, ""), request.headers.get(SIGNATURE_HEADER, ""))
    keyed, who = caller is not None, caller.id if caller else "signed"
    summary = await runtime.load_shedder.run(lambda: _mail_events(runtime, body, signature, keyed=keyed), who=who)
    for kind, number in summary.kinds.items():
        runtime.request_metrics.feedback(kind, number)
    return json_answer(summary.as_json())


def _mail_events(runtime: ApiRuntime, body: bytes, signature: tuple[str, str], *, keyed: bool) -> ProviderEventSummary:
    now = runtime.container.clock()
    key = runtime.container.settings.event_public_key()
    if key is None and not keyed:
        detail = "No verification key is configured: an API key with scope publish is required"
        raise HTTPException(401, detail, headers={"WWW-Authenticate": 'Bearer realm="notifier"'})
    timestamp, signed = signature
    if key is not None and not is_signed(body, public_key=key, timestamp=timestamp, signature=signed, now=now):
        raise HTTPException(403, "The request is not signed with the configured key")
    return runtime.inbound.feedback.record(parse_mail_events(body, now=now))
