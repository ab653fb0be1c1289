"""Liveness, readiness and metrics. Open to all, so frequent requests must not cost more."""

from fastapi import APIRouter, Response
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from notifier.api.http.problems import MEDIA_TYPE, unavailable
from notifier.api.http.responses import json_answer
from notifier.api.openapi.models import LiveOut, ReadyOut
from notifier.api.openapi.route_docs import returns
from notifier.api.runtime import Runtime
from notifier.api.state.readiness import OK

router = APIRouter(tags=["health"])


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", responses=returns(200, LiveOut, "Running."))
async def live() -> Response:
    """Liveness: 200 while the process runs."""
    return json_answer({"status": "ok"})


@router.head("/readyz", include_in_schema=False)
@router.get(
    "/readyz",
    responses={
        **returns(200, ReadyOut, "Ready."),
        503: {
            "description": "Not ready.",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        },
    },
)
async def ready(runtime: Runtime) -> Response:
    """Readiness: 200 if this process can store events, otherwise 503 with the problem.

    The database must be writable. The broker is reported but does not count: events are accepted while it is down and
    announced when it is back. A 503 is a problem document that also has `checks`.
    """
    checks = await runtime.readiness.ask()
    if checks["database"] != OK:
        return unavailable(f"database: {checks['database']}", more={"checks": checks})
    return json_answer({"status": OK, "checks": checks})


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(runtime: Runtime) -> Response:
    """Metrics in Prometheus text format: of this process, the database and the broker."""
    return Response(runtime.request_metrics.text(), media_type=CONTENT_TYPE_LATEST)
