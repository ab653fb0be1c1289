"""The per-process state that request handlers use."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from notifier.api.http.load_shedding import LoadShedder
from notifier.api.state.event_intake import EventIntake
from notifier.api.state.key_cache import ApiKeyCache
from notifier.api.state.metrics import RequestMetrics
from notifier.api.state.readiness import Readiness
from notifier.bootstrap.api_container import ApiContainer
from notifier.bootstrap.inbound_container import InboundContainer


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRuntime:
    """The installation, and what this process keeps between requests."""

    container: ApiContainer
    inbound: InboundContainer
    key_cache: ApiKeyCache
    event_intake: EventIntake
    request_metrics: RequestMetrics
    readiness: Readiness
    load_shedder: LoadShedder  # for inbound webhooks; events have their own
    import_shedder: LoadShedder


def runtime_of(request: Request) -> ApiRuntime:
    """Return the runtime that the app was built with."""
    runtime = request.app.state.runtime
    assert isinstance(runtime, ApiRuntime)  # noqa: S101 - set by create_app
    return runtime


async def _runtime(request: Request) -> ApiRuntime:
    return runtime_of(request)


Runtime = Annotated[ApiRuntime, Depends(_runtime)]
