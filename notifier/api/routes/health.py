"""Liveness, readiness and metrics. Open to all, so none of them costs more when it is asked often."""

from fastapi import APIRouter, Response
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from notifier.api.http.problems import MEDIA_TYPE, unavailable
from notifier.api.http.responses import json_answer
from notifier.api.openapi.models import LiveShape, ReadyShape
from notifier.api.openapi.route_docs import returns
from notifier.api.runtime import Runtime
from notifier.api.state.readiness import OK

router = APIRouter(tags=["health"])


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", responses=returns(200, LiveShape, "It runs."))
async def live() -> Response:
    """Answer as long as the process runs."""
    return json_answer({"status": "ok"})


@router.head("/readyz", include_in_schema=False)
@router.get(
    "/readyz",
    responses={
        **returns(200, ReadyShape, "It can do its work."),
        503: {
            "description": "It cannot.",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        },
    },
)
async def ready(runtime: Runtime) -> Response:
    """Answer 200 when this process can do its work, which is to store events; else 503 with what is not well.

    The database must take writes. The broker is reported and changes nothing: events are taken while it is away, and
    are announced when it is back. An answer of 503 is a problem document that bears `checks` as well.
    """
    checks = await runtime.readiness()
    if checks["database"] != OK:
        return unavailable(f"database: {checks['database']}", more={"checks": checks})
    return json_answer({"status": OK, "checks": checks})


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(runtime: Runtime) -> Response:
    """Metrics in Prometheus' text format: this process' own, and what the ledger and the broker hold."""
    return Response(runtime.meters.text(), media_type=CONTENT_TYPE_LATEST)
