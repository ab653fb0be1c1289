"""`notifier scheduler`: the sweep, and beside it the polls of other providers' status pages."""

import typer

from notifier.bootstrap.polling import build_poller
from notifier.cli.container import container
from notifier.services.operations.process_stats import process_stats
from notifier.supervise.scheduler import run_scheduler


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(scheduler)


def scheduler() -> None:
    """Run the scheduler: once a second, queue what is due (retries, expired leases, coalescing windows)."""
    notifier = container("scheduler")
    notifier.ensure_broker()
    notifier.metrics_buffer.watch(lambda: process_stats("scheduler"))
    poller = build_poller(notifier)
    poller.start()
    try:
        code = run_scheduler(notifier.settings, notifier.sweep)
    finally:
        poller.stop()
        notifier.close()
    raise typer.Exit(code)
