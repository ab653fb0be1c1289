"""Running the API in this process."""

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
from notifier.api.state.metrics import Meters
from notifier.bootstrap.api_container import ApiContainer
from notifier.files import grant_open_files
from notifier.services.operations.process_stats import process_stats

_BACKLOG = 2048
_OTHER_FILES = 256  # database, broker, logs
_FEWEST_CONNECTIONS = 64
_IDLE_SECONDS = 30
_DRAIN_SECONDS = 10
# A loop that is busy with repeats hands the interpreter to the thread with a fresh event sooner than by default (5 ms).
_SWITCH_SECONDS = 0.0005


def run_api(
    container: ApiContainer, *, host: str, port: int, fd: int | None = None, pages: Sequence[APIRouter] = ()
) -> int:
    """Serve until SIGTERM or Ctrl-C; requests in hand are answered first. Returns the exit code.

    Args:
        container: What to serve; it is closed at the end.
        host: Address to listen on, unless `fd` is given.
        port: Its port.
        fd: A listening socket inherited from the supervisor.
        pages: Routers served beside the API.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    container.metering.watch(lambda: process_stats("api"))
    server = _Server(configuration(container, host=host, port=port, fd=fd, pages=pages))
    try:
        server.run()
    finally:
        container.close()
    return 0


class _Server(uvicorn.Server):
    """uvicorn raises the signal again once it has drained, which makes an orderly end look like a death by signal."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Begin to drain on SIGINT and SIGTERM; a second one ends at once."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def configuration(
    container: ApiContainer, *, host: str, port: int, fd: int | None = None, pages: Sequence[APIRouter] = ()
) -> uvicorn.Config:
    """Return how uvicorn serves: no access log (queries hold keys; envelope.py writes ours), trust in no other proxy.

    Those that are named say who called (`X-Forwarded-For`): for the audit trail and the limit of sign-ups.
    """
    proxies = [str(network) for network in container.settings.deployment.trusted_proxies]
    app = create_app(container, pages=pages)
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        fd=fd,
        loop="uvloop",
        http=on_table(_table(container, app.state.runtime.meters)),
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


def _table(container: ApiContainer, meters: Meters) -> ConnectionTable:
    limits = ConnectionLimits()
    # A rush may have that many accepted before the first of them has made another one give way.
    files = grant_open_files(limits.most + _BACKLOG + _OTHER_FILES)
    most = max(_FEWEST_CONNECTIONS, min(limits.most, (files - _OTHER_FILES) // 2))
    table = ConnectionTable(
        replace(limits, most=most),
        uncapped=container.settings.deployment.trusted_proxies,
        count=meters.dropped,
    )
    meters.connections.set_function(lambda: len(table))
    return table
