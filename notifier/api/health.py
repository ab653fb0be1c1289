"""Liveness, readiness and metrics. Open to all, so none of them costs more when it is asked often."""

from fastapi import APIRouter, Response
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from notifier.api.answers import json_answer
from notifier.api.contract import returns
from notifier.api.runtime import Runtime
from notifier.api.shapes import LiveShape, ReadyShape

router = APIRouter(tags=["health"])


@router.get("/healthz", responses=returns(200, LiveShape, "It runs."))
async def live() -> Response:
    """Answer as long as the process runs."""
    return json_answer({"status": "ok"})


@router.get(
    "/readyz",
    responses={**returns(200, ReadyShape, "All stores answer."), 503: {"model": ReadyShape, "description": "Not."}},
)
def ready(runtime: Runtime) -> Response:
    """Answer 200 when database and broker are reachable, else 503 with what is not.

    Events are taken while the broker is away; they are announced when it is back.
    """
    checks = runtime.readiness()
    good = all(state == "ok" for state in checks.values())
    return json_answer({"status": "ok" if good else "unavailable", "checks": checks}, 200 if good else 503)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(runtime: Runtime) -> Response:
    """Metrics in Prometheus' text format: this process' own, and what the ledger and the broker hold."""
    return Response(runtime.meters.text(), media_type=CONTENT_TYPE_LATEST)
