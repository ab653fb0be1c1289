"""`notifier closure`: was everybody who was told that it began told that it ended?"""

from typing import Annotated

import typer

from notifier.cli.console import JsonFlag, out, print_json
from notifier.cli.moments import moment
from notifier.cli.setup import installation
from notifier.services.closure import is_complete


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(closure)


def closure(
    incident: Annotated[str | None, typer.Option("--incident", help="Only this one (its id).")] = None,
    since: Annotated[str | None, typer.Option("--since", help="Ended from then on: RFC 3339, with offset.")] = None,
    *,
    as_json: JsonFlag = False,
) -> None:
    """Say of incidents that are over who was told of the start and of the end, and why somebody was not.

    Ends with 1 when somebody is still owed the end ("waiting: ...") or is without it for an unknown reason.
    """
    found = installation("closure").closure(incident_id=incident, since=moment("--since", since))
    if as_json:
        print_json(found)
    else:
        for item in found["incidents"]:
            counts = f"told of the start {item['told_start']}, told of the end {item['told_end']}"
            out.print(f"{item['id']}: {counts}, exceptions {len(item['exceptions'])}", markup=False)
            for each in item["exceptions"]:
                out.print(f"   {each['channel']:<8} {each['recipient']}  {each['reason']}", markup=False)
    if not is_complete(found["incidents"]):
        raise typer.Exit(1)
