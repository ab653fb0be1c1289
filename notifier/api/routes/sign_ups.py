"""Public sign-up, for forms on other sites. No key is needed."""

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from notifier.api.http.problems import problem
from notifier.api.http.responses import json_answer
from notifier.api.openapi.examples import SIGN_UP
from notifier.api.openapi.list_models import SignUpOut
from notifier.api.openapi.route_docs import body_of, refuses, returns
from notifier.api.runtime import Runtime
from notifier.bootstrap.api_container import ApiContainer
from notifier.domain.recipients.consent import CONFIRM_WITHIN, SIGN_UP_WORDING, ConsentForm
from notifier.inbound.sign_up import SignUpBody, parse_sign_up
from notifier.services.subscribers.public_sign_up import NETWORK_SECONDS, TooManySignUpsError
from notifier.services.subscribers.sign_up import SignUpRequest

router = APIRouter(prefix="/v1/sign-ups", tags=["subscribers"])
_NOT_JSON = "The body must be application/json"
_TOO_MANY = "Too many sign-ups from this network; try again later"


@router.post(
    "",
    status_code=202,
    responses=returns(202, SignUpOut, "Accepted.") | refuses({415: _NOT_JSON, 429: _TOO_MANY}),
    openapi_extra=body_of(SignUpBody, SIGN_UP) | {"security": []},
)
async def sign_up(request: Request, runtime: Runtime) -> Response:
    """Sign up for e-mail. A mail is sent to the address; only confirming it creates the subscription.

    The response is the same whether the address is new, known or over its daily limit. Rate-limited per network.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        # Any other content type could be sent cross-site without a preflight (CORS).
        return problem(415, _NOT_JSON)
    body = await request.body()
    network = request.client.host if request.client else ""
    return await run_in_threadpool(_take, runtime.container, body, network)


def _take(container: ApiContainer, body: bytes, network: str) -> Response:
    request_body = parse_sign_up(body)
    locale = request_body.locale or container.vocabulary.default_locale
    quiet = request_body.preferences.quiet_hours
    form = ConsentForm(
        wording=SIGN_UP_WORDING, locale=locale, form=container.settings.url("/v1/sign-ups"), network=network
    )
    wanted = SignUpRequest(
        email=request_body.email,
        form=form,
        chosen=request_body.preferences.to_domain(),
        timezone=request_body.timezone,
        quiet_hours=quiet.to_domain() if quiet else None,
        max_per_hour=request_body.preferences.max_per_hour,
    )
    try:
        container.public_sign_up.take(wanted)
    except TooManySignUpsError:
        return problem(429, _TOO_MANY, headers={"Retry-After": str(NETWORK_SECONDS)})
    hours = int(CONFIRM_WITHIN.total_seconds() // 3600)
    return json_answer({"outcome": "confirmation_needed", "valid_hours": hours}, 202)
