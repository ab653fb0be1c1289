"""Liveness, readiness and metrics."""

from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import ORJSONResponse

from notifier.api.auth import Runtime

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def live() -> dict[str, str]:
    """Answer as long as the process runs."""
    return {"status": "ok"}


@router.get("/readyz")
def ready(runtime: Runtime) -> Response:
    """Answer 200 when database and broker are reachable, else 503 with what is not."""
    checks: dict[str, Any] = runtime.readiness()
    good = all(state == "ok" for state in checks.values())
    return ORJSONResponse({"status": "ok" if good else "unavailable", "checks": checks}, 200 if good else 503)
