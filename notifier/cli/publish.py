"""`notifier publish`: hand events in from a file."""

from typing import Annotated

import typer

from notifier.cli.console import JsonFlag, print_json, print_table
from notifier.cli.files import read
from notifier.cli.people import operator
from notifier.cli.setup import installation
from notifier.inbound.event_files import read_events


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(publish)


def publish(
    file: Annotated[str, typer.Argument(help="JSON or YAML: one event, an array or lines of them; - reads stdin.")],
    as_json: JsonFlag = False,  # noqa: FBT002 - a flag
) -> None:
    """Hand in one event, or several in order. Nothing is handed in unless all of them are well-formed."""
    notifier = installation("publish")
    events = read_events(read(file), now=notifier.clock())
    for event in events:
        notifier.check(event)
    receipts = [notifier.ingest(operator().signed(event)).as_json() for event in events]
    if as_json:
        print_json(receipts[0] if len(receipts) == 1 else receipts)
    else:
        rows = [[item["event_id"], item["outcome"], item["reason"]] for item in receipts]
        print_table("", ["event", "outcome", "reason"], rows)
