"""`notifier worker`: one worker process."""

from typing import Annotated

import typer

from notifier.bootstrap.own_templates import check_templates
from notifier.bootstrap.worker import WorkerRuntime
from notifier.cli.container import container
from notifier.services.operations.process_stats import process_stats
from workers.main import parse_queues, run_worker


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(worker)


def worker(
    queues: Annotated[str | None, typer.Option("--queues", help="Comma-separated queues; all by default.")] = None,
) -> None:
    """Run one worker process."""
    names = parse_queues(queues)
    name = f"worker-{'-'.join(names)}"
    notifier = container(name)
    check_templates(notifier)
    notifier.ensure_broker()
    notifier.metrics_buffer.watch(lambda: process_stats(name))
    raise typer.Exit(run_worker(notifier.settings, WorkerRuntime(notifier, names), names))
