"""`notifier demo`: the incident of 21 June 2022, replayed through the real path."""

from typing import Annotated

import typer

from notifier.cli.output import JsonFlag, out, print_json
from notifier.demo.run import run_demo
from notifier.settings import load_settings

_DEFAULT_SPEED = 1200.0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    speed: Annotated[float, typer.Option("--speed", min=1, max=100_000, help="Speed-up factor.")] = (_DEFAULT_SPEED),
    subscribers: Annotated[int, typer.Option("--subscribers", min=1, max=100_000, help="Number of merchants.")] = 1000,
    keep: Annotated[bool, typer.Option("--keep", help="Keep running and open the console in the browser.")] = False,  # noqa: FBT002
    as_json: JsonFlag = False,  # noqa: FBT002 - a flag
) -> None:
    """Replay the outage of 21 June 2022 through API, queue, workers and client libraries, and count deliveries."""
    data_dir = load_settings().ensure_data_dir()
    result = run_demo(data_dir, speed=speed, subscribers=subscribers, keep=keep, quiet=as_json, console=out)
    if as_json:
        print_json(result.as_json())
    if result.failed:
        raise typer.Exit(1)
