"""`notifier api`: the HTTP API alone."""

import socket
from typing import Annotated

import typer

from notifier.api.server import run_api
from notifier.cli.processes.listening import DEFAULT_PORT, Host, Port
from notifier.cli.setup import installation
from notifier.doctor.components import warn_of_vanished_components
from notifier.observability import get_logger
from notifier.services.security.audit import Actor
from notifier.settings import mixtures
from notifier.web.console.routes import console_routes
from notifier.web.pages import page_routes

_log = get_logger(__name__)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(api)


def api(
    host: Host = "127.0.0.1",
    port: Port = DEFAULT_PORT,
    fd: Annotated[int | None, typer.Option("--fd", help="Inherited socket (file descriptor) to listen on.")] = None,
) -> None:
    """Run the HTTP API only. It accepts events even while the broker is down."""
    notifier = installation("api")
    notifier.key_ring.check()
    for mixture in mixtures(notifier.settings):
        _log.warning("sandbox_mixed_with_real_providers", detail=mixture)
    notifier.note_policy(Actor("process:api", socket.gethostname()))
    warn_of_vanished_components(notifier)
    raise typer.Exit(
        run_api(notifier, host=host, port=port, fd=fd, pages=[console_routes(notifier), page_routes(notifier)])
    )
