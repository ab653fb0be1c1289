"""Running the API in this process."""

import uvicorn

from notifier.api.app import create_app
from notifier.bootstrap.application import Application

_BACKLOG = 2048
_CONCURRENCY = 400
_DRAIN_SECONDS = 10


def run_api(application: Application, *, host: str, port: int, fd: int | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C; requests in hand are answered first. Returns the exit code.

    Args:
        application: What to serve.
        host: Address to listen on, unless `fd` is given.
        port: Its port.
        fd: A listening socket inherited from the supervisor.
    """
    config = uvicorn.Config(
        create_app(application),
        host=host,
        port=port,
        fd=fd,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        limit_concurrency=_CONCURRENCY,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )
    try:
        uvicorn.Server(config).run()
    finally:
        application.close()
    return 0
