"""Webhooks of other systems, in their own formats. A new `{source}` is registered by its first use."""

from dataclasses import replace
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from starlette.exceptions import HTTPException

from notifier.api.auth import actor_of, may_hand_in, may_hand_in_if_keyed
from notifier.api.http.responses import json_answer
from notifier.api.openapi.examples import ALERTS, BETTER_STACK, CLOUD_EVENT, MAIL_EVENTS, STATUSPAGE, UPTIME_KUMA
from notifier.api.openapi.models import FeedbackOut, IntegrationReceiptOut
from notifier.api.openapi.route_docs import raw_body, refuses, returns
from notifier.api.runtime import ApiRuntime, Runtime
from notifier.domain.incidents.status_news import ComponentNews
from notifier.domain.proposals.signal import Report
from notifier.domain.proposals.source_rules import SourceKind, SourceMode
from notifier.inbound.integrations import check_source
from notifier.inbound.sendgrid import SIGNATURE_HEADER, TIMESTAMP_HEADER, is_signed, parse_mail_events
from notifier.inbound.sources.kinds import PARSERS
from notifier.inbound.sources.requests import InboundRequest, ReadingRules
from notifier.inbound.sources.statuspage import page_source, report_of
from notifier.inbound.statuspage import parse_statuspage
from notifier.services.events.intake_log import log_taken
from notifier.services.events.integrations import IntegrationReceipt
from notifier.services.provider_events.record import ProviderEventSummary
from notifier.services.security.api_keys import Caller, KeyScope
from notifier.services.security.audit import Actor
from notifier.services.signals.proposals import Proposing
from notifier.services.signals.take_report import RECORD_MODE, nothing_told

router = APIRouter(prefix="/v1/inbound", tags=["inbound"])
_OBJECT: dict[str, Any] = {"type": "object"}
_BODIES: dict[str, dict[str, Any]] = {
    "application/json": {
        "schema": _OBJECT,
        "examples": {
            "alertmanager": {"value": ALERTS},
            "statuspage": {"value": STATUSPAGE},
            "uptime_kuma": {"value": UPTIME_KUMA},
            "better_stack": {"value": BETTER_STACK},
        },
    },
    "application/cloudevents+json": {"schema": _OBJECT, "example": CLOUD_EVENT},
    "application/cloudevents-batch+json": {"schema": {"type": "array", "items": _OBJECT}, "example": [CLOUD_EVENT]},
    "application/x-www-form-urlencoded": {"schema": _OBJECT},
    "multipart/form-data": {"schema": _OBJECT},
}
_UNREADABLE = "An event format of CloudEvents other than JSON."


def _json(schema: dict[str, Any], example: object) -> dict[str, Any]:
    return raw_body({"application/json": {"schema": schema, "example": example}})


Producer = Annotated[Caller, Depends(may_hand_in)]
Origin = Annotated[str | None, Header(alias="WebHook-Request-Origin", max_length=255, description="Who would deliver.")]


class _By(NamedTuple):
    """The caller of an inbound webhook; `guarded`: it lacks the scope announce."""

    actor: Actor
    guarded: bool


def _by(request: Request, caller: Caller, kind: str, source: str) -> _By:
    actor = actor_of(request, caller).by_way_of(kind, check_source(source))
    return _By(actor, KeyScope.ANNOUNCE not in caller.scopes)


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


@router.post(
    "/{kind}/{source}",
    status_code=202,
    responses=returns(202, IntegrationReceiptOut) | refuses({415: _UNREADABLE}),
    openapi_extra=raw_body(_BODIES),
)
async def take_report(
    request: Request,
    runtime: Runtime,
    caller: Producer,
    *,
    kind: SourceKind,
    source: str,
    locale: Annotated[
        str | None, Query(max_length=35, description="Language of its texts; as configured if omitted.")
    ] = None,
) -> Response:
    """Receive a webhook of another system, in the format that `kind` names.

    Alertmanager, Grafana, Atlassian Statuspage, Uptime Kuma, Better Stack, CloudEvents, or any other JSON or form that
    the `fields` of its source describe.

    What it reports becomes a signal, and a draft that a person publishes; nobody is notified before. With mode
    `publish` in `[[sources]]` it is announced: in neutral words, or with those of a Statuspage; once all alerts are
    resolved the incident becomes `monitoring`, and after a quiet period `resolved`. With mode `record`, or if a rule
    ignores it (a test alert, a dead-man switch), it is only recorded. Repeats change nothing.
    """
    check_source(source)
    seen = InboundRequest(
        body=await request.body(),
        received_at=runtime.container.clock(),
        headers={name.lower(): value for name, value in request.headers.items()},
        query={name: value for name, value in request.query_params.items() if name != "key"},
    )
    by = _by(request, caller, kind, source)
    reading = runtime.inbound.reading(kind, source, locale)
    receipt = await runtime.load_shedder.run(lambda: _take(runtime, seen, reading, by), who=caller.id)
    log_taken(receipt, by.actor)
    runtime.request_metrics.event(kind, receipt.outcome)
    return json_answer(receipt.as_json(), 202)


def _take(runtime: ApiRuntime, seen: InboundRequest, reading: ReadingRules, by: _By) -> IntegrationReceipt:
    if reading.source.kind is SourceKind.STATUSPAGE:
        return _statuspage(runtime, seen, reading, by)
    receipt = nothing_told(reading.source.kind, reading.source.name)
    for found in PARSERS[reading.source.kind](seen, reading):
        receipt = runtime.inbound.messages.take(found, lambda report: _followed(runtime, report, reading, by))
    return receipt


def _followed(runtime: ApiRuntime, report: Report, reading: ReadingRules, by: _By) -> IntegrationReceipt:
    if reading.source.mode is SourceMode.PUBLISH:
        return runtime.inbound.publishing.take(report, by.actor, guarded=by.guarded)
    return _proposed(runtime, report, reading)


def _statuspage(runtime: ApiRuntime, seen: InboundRequest, reading: ReadingRules, by: _By) -> IntegrationReceipt:
    news = parse_statuspage(seen.body, page_source(reading))
    if reading.source.mode is SourceMode.PUBLISH or isinstance(news, ComponentNews):
        return runtime.inbound.statuspage.take(news, by.actor, guarded=by.guarded)
    return _proposed(runtime, report_of(news, reading.source.name, seen.received_at), reading)


def _proposed(runtime: ApiRuntime, report: Report, reading: ReadingRules) -> IntegrationReceipt:
    if reading.source.mode is SourceMode.RECORD:
        return runtime.inbound.reports.take(replace(report, ignored=report.ignored or RECORD_MODE))
    return runtime.inbound.reports.take(report, Proposing(template_id=reading.source.template))


@router.options("/{kind}/{source}", status_code=204, response_class=Response)
async def consent(
    runtime: Runtime, _caller: Producer, *, kind: SourceKind, source: str, origin: Origin = None
) -> Response:
    """Consent to the deliveries of a sender that asks first (CloudEvents, "HTTP 1.1 Web Hooks", chapter 4)."""
    runtime.inbound.reading(kind, check_source(source), None)
    headers = {"Allow": "POST, OPTIONS"}
    if origin is not None:
        headers |= {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"}
    return Response(status_code=204, headers=headers)
