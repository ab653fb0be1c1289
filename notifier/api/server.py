"""Run the API in this process."""

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import uvicorn
from fastapi import APIRouter

from notifier.api.app import create_app
from notifier.api.http.connections import ConnectionLimits, ConnectionTable
from notifier.api.http.protocol import on_table
from notifier.api.state.metrics import RequestMetrics
from notifier.bootstrap.api_container import ApiContainer
from notifier.files import grant_open_files
from notifier.services.operations.process_stats import process_stats

_BACKLOG = 2048
_OTHER_FILES = 256  # database, broker, logs
_FEWEST_CONNECTIONS = 64
_IDLE_SECONDS = 30
_DRAIN_SECONDS = 10
# Hand the interpreter to threads with new events sooner than by default (5 ms): the loop is busy
# with repeats.
_SWITCH_SECONDS = 0.0005


def run_api(
    container: ApiContainer, *, host: str, port: int, fd: int | None = None, pages: Sequence[APIRouter] = ()
) -> int:
    """Serve until SIGTERM or Ctrl-C, finishing requests in progress. Returns the exit code.

    Args:
        container: The installation to serve; closed at the end.
        host: Address to listen on, unless `fd` is given.
        port: Its port.
        fd: A listening socket inherited from the supervisor.
        pages: Routers served beside the API.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    container.metrics_buffer.watch(lambda: process_stats("api"))
    server = _Server(configuration(container, host=host, port=port, fd=fd, pages=pages))
    try:
        server.run()
    finally:
        container.close()
    return 0


class _Server(uvicorn.Server):
    """uvicorn re-raises the signal after draining, so a clean exit looks like death by signal."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Drain on the first SIGINT or SIGTERM; exit at once on the second."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def configuration(
    container: ApiContainer, *, host: str, port: int, fd: int | None = None, pages: Sequence[APIRouter] = ()
) -> uvicorn.Config:
    """Return uvicorn's configuration.

    No access log, because queries may hold keys: `request_context.py` writes ours. Only configured
    proxies may set `X-Forwarded-For`, which the audit trail and the sign-up limit rely on.
    """
    proxies = [str(network) for network in container.settings.deployment.trusted_proxies]
    app = create_app(container, pages=pages)
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        fd=fd,
        loop="uvloop",
        http=on_table(_table(container, app.state.runtime.request_metrics)),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        server_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )


def _table(container: ApiContainer, request_metrics: RequestMetrics) -> ConnectionTable:
    limits = ConnectionLimits()
    # Under load, that many connections may be accepted before the first of them displaces another.
    files = grant_open_files(limits.most + _BACKLOG + _OTHER_FILES)
    most = max(_FEWEST_CONNECTIONS, min(limits.most, (files - _OTHER_FILES) // 2))
    table = ConnectionTable(
        replace(limits, most=most),
        uncapped=container.settings.deployment.trusted_proxies,
        count=request_metrics.dropped,
    )
    request_metrics.connections.set_function(lambda: len(table))
    return table
