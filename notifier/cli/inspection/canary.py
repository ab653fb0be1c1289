"""`notifier canary`: measure end-to-end latency now."""

from datetime import timedelta
from typing import Annotated

import typer

from notifier.cli.output import JsonFlag, out, print_json, print_table
from notifier.cli.setup import installation
from notifier.cli.subscriber_setup import operator
from notifier.domain.errors import ConfigError
from notifier.services.operations.canary import Canary


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(canary)


def canary(
    within: Annotated[float, typer.Option("--within", min=1, max=3600, help="Time limit in seconds.")] = 60.0,
    *,
    as_json: JsonFlag = False,
) -> None:
    """Send a test incident to the canary's own recipients and measure the time until providers accept it."""
    notifier = installation("canary")
    listeners = notifier.settings.config.canary
    if not listeners.email and not listeners.endpoint:
        raise ConfigError("canary.email", "is empty, and so is canary.endpoint: the canary has no recipient")
    sing = Canary(
        notifier.database,
        notifier.clock,
        notifier.ingest,
        notifier.subscribers,
        notifier.endpoints,
        notifier.history,
        email=listeners.email,
        url=listeners.endpoint,
    )
    found = sing.measure(timedelta(seconds=within), operator())
    late = any(one.seconds is None for one in found)
    if as_json:
        items = [{"channel": one.channel, "seconds": one.seconds, "state": one.state} for one in found]
        print_json({"ok": not late, "channels": items})
    else:
        rows = [(one.channel.value, "-" if one.seconds is None else f"{one.seconds:.2f}", one.state) for one in found]
        print_table("Time from the event to the provider's acceptance", ("channel", "seconds", "state"), rows)
        if late:
            out.print(f"Not delivered within {within:g} s: run `notifier doctor`.")
    if late:
        raise typer.Exit(1)
