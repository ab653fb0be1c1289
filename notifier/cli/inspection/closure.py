"""`notifier closure`: was everybody who was told that it began told that it ended?"""

import sys
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from notifier.cli.console import JsonFlag, print_json
from notifier.cli.moments import moment
from notifier.cli.setup import installation
from notifier.services.inspection.closure import is_explained_throughout


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

    Ends with 1 when somebody is without the end for no known reason ("unknown: ..."). "waiting: ..." is a reason.
    """
    found = installation("closure").closure(incident_id=incident, since=moment("--since", since))
    if as_json:
        print_json(found)
    else:
        sys.stdout.writelines(f"{line}\n" for item in found["incidents"] for line in _lines(item))
    if not is_explained_throughout(found["incidents"]):
        raise typer.Exit(1)


def _lines(item: Mapping[str, Any]) -> Iterator[str]:
    if item.get("pruned"):
        yield f"{item['id']}: who was told is pruned ([retention]); `notifier incidents show` has the numbers that stay"
        return
    counts = f"told of the start {item['told_start']}, told of the end {item['told_end']}"
    yield f"{item['id']}: {counts}, exceptions {len(item['exceptions'])}"
    for each in item["exceptions"]:
        yield f"   {each['channel']:<8} {each['recipient']}  {each['reason']}"
