"""`notifier up`, `api`, `worker`, `scheduler`: the processes of an installation."""

from typing import Annotated

import typer

from notifier.api.server import run_api
from notifier.bootstrap.application import Application
from notifier.bootstrap.worker import WorkerRuntime
from notifier.cli.setup import DEFAULT_PORT, application
from notifier.supervise.scheduler import run_scheduler
from notifier.supervise.up import run_up
from workers.main import parse_lanes, run_worker

Host = Annotated[str, typer.Option("--host", help="Address to listen on.")]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0 takes a free one.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(up)
    app.command()(api)
    app.command()(worker)
    app.command()(scheduler)


def up(host: Host = "127.0.0.1", port: Port = DEFAULT_PORT) -> None:
    """Run the whole system on this machine: API, workers, scheduler; Redis and sandbox where none is configured."""
    notifier = application("up")
    raise typer.Exit(run_up(notifier.settings, host=host, port=port, migrate=notifier.migrate))


def api(
    host: Host = "127.0.0.1",
    port: Port = DEFAULT_PORT,
    fd: Annotated[int | None, typer.Option("--fd", help="Listen on a socket inherited under this number.")] = None,
) -> None:
    """Run the HTTP API alone."""
    notifier = _started("api")
    raise typer.Exit(run_api(notifier, host=host, port=port, fd=fd))


def worker(
    queues: Annotated[str | None, typer.Option("--queues", help="Comma-separated queues; all by default.")] = None,
) -> None:
    """Run one worker process."""
    lanes = parse_lanes(queues)
    notifier = _started(f"worker-{'-'.join(lanes)}")
    raise typer.Exit(run_worker(notifier.settings, WorkerRuntime(notifier), lanes))


def scheduler() -> None:
    """Run the sweep every second: windows that end, retries, leases. Any number of them may run."""
    notifier = _started("scheduler")
    raise typer.Exit(run_scheduler(notifier.settings, lambda _now: notifier.sweep()))


def _started(process: str) -> Application:
    notifier = application(process)
    notifier.ensure_broker()
    return notifier
