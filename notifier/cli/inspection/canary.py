"""`notifier canary`: how long the whole way takes, right now."""

from dataclasses import replace
from datetime import timedelta
from typing import Annotated

import typer

from notifier.cli.console import JsonFlag, out, print_json, print_table
from notifier.cli.people import operator
from notifier.cli.setup import installation
from notifier.domain.canary import COMPONENT
from notifier.domain.errors import ConfigError
from notifier.services.operations.canary import Canary


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(canary)


def canary(
    within: Annotated[float, typer.Option("--within", min=1, max=3600, help="Seconds it may take.")] = 60.0,
    *,
    as_json: JsonFlag = False,
) -> None:
    """Send an incident that nobody but the canary's own listeners hears, and measure until the providers took it."""
    notifier = installation("canary")
    listeners = notifier.settings.house.canary
    if not listeners.email and not listeners.endpoint:
        raise ConfigError("canary.email", "is empty, and so is canary.endpoint: nobody would listen")
    vocabulary = replace(notifier.vocabulary, components=notifier.vocabulary.components | {COMPONENT})
    sing = Canary(
        notifier.database,
        notifier.clock,
        notifier.ingest,
        replace(notifier.subscribers, vocabulary=vocabulary),
        replace(notifier.endpoints, vocabulary=vocabulary),
        notifier.history,
        email=listeners.email,
        url=listeners.endpoint,
    )
    found = sing(timedelta(seconds=within), operator())
    late = any(one.seconds is None for one in found)
    if as_json:
        items = [{"channel": one.channel, "seconds": one.seconds, "state": one.state} for one in found]
        print_json({"ok": not late, "channels": items})
    else:
        rows = [(one.channel.value, "-" if one.seconds is None else f"{one.seconds:.2f}", one.state) for one in found]
        print_table("From the event to the provider's yes", ("channel", "seconds", "state"), rows)
        if late:
            out.print(f"Not within {within:g} s: see `notifier doctor`.")
    if late:
        raise typer.Exit(1)
