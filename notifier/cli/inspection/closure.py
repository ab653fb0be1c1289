"""`notifier closure`: was everyone notified of the start also notified of the end?"""

import sys
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from notifier.cli.datetimes import moment
from notifier.cli.output import JsonFlag, print_json
from notifier.cli.setup import installation
from notifier.services.inspection.closure import is_explained_throughout


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(closure)


def closure(
    incident: Annotated[str | None, typer.Option("--incident", help="Id of one incident.")] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", help="Only incidents that ended at or after this time (RFC 3339 with offset)."),
    ] = None,
    *,
    as_json: JsonFlag = False,
) -> None:
    """For each closed incident, count who was notified of the start and of the end, and list exceptions.

    Exits with 1 if someone was not notified of the end for an unknown reason ("unknown: ..."). "waiting: ..." is a
    known reason.
    """
    found = installation("closure").closure.audit(incident_id=incident, since=moment("--since", since))
    if as_json:
        print_json(found)
    else:
        sys.stdout.writelines(f"{line}\n" for item in found["incidents"] for line in _lines(item))
    if not is_explained_throughout(found["incidents"]):
        raise typer.Exit(1)


def _lines(item: Mapping[str, Any]) -> Iterator[str]:
    if item.get("pruned"):
        yield f"{item['id']}: recipients were pruned ([retention]); `notifier incidents show` has the remaining counts"
        return
    counts = f"notified of the start {item['told_start']}, notified of the end {item['told_end']}"
    yield f"{item['id']}: {counts}, exceptions {len(item['exceptions'])}"
    for each in item["exceptions"]:
        yield f"   {each['channel']:<8} {each['recipient']}  {each['reason']}"
