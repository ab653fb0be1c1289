"""`notifier publish`: publish events from a file."""

from dataclasses import replace
from typing import Annotated

import typer

from notifier.bootstrap.polling import own_pages
from notifier.cli.files import read
from notifier.cli.output import EXIT_FAILED, EXIT_USAGE, JsonFlag, ask, fail, print_json, print_table
from notifier.cli.setup import installation
from notifier.cli.subscriber_setup import operator
from notifier.domain.errors import FieldError, InvalidInputError, OutdatedError
from notifier.domain.incidents.incident import Event
from notifier.inbound.event_files import read_events
from notifier.services.events.file_summary import FileSummary, summarise
from notifier.services.events.ingest import Ingest


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(publish)


def publish(
    file: Annotated[str, typer.Argument(help="JSON or YAML: one event, an array, or one per line; - reads stdin.")],
    as_json: JsonFlag = False,  # noqa: FBT002 - a flag
    *,
    yes: Annotated[
        bool, typer.Option("--yes", help="Publish several incidents, or old updates, without confirmation.")
    ] = False,
    record: Annotated[bool, typer.Option("--record", help="Store and show, but notify nobody.")] = False,
    after: Annotated[
        str | None,
        typer.Option(
            "--after", help="Id of the latest update you know of; refused if there is a later one. For one event."
        ),
    ] = None,
) -> None:
    """Publish one event, or several in order. Nothing is published unless all of them are valid.

    A file with several incidents, or updates older than `guard.hold_older_than`, is summarised and
    needs confirmation. Such old updates are held even then (see `notifier notifications held`).
    """
    notifier = installation("publish")
    events = read_events(read(file), now=notifier.clock(), pages=own_pages(notifier.settings))
    for event in events:
        notifier.check(event)
    events = _based_on(events, after)
    if record:
        events = [replace(event, notify=False) for event in events]
    elif not yes:
        _ask(summarise(notifier.ingest, events, notifier.clock()), file)
    receipts = _hand_in(notifier.ingest, events)
    if as_json:
        print_json(receipts[0] if len(receipts) == 1 else receipts)
    else:
        rows = [[item["event_id"], item["outcome"], item["reason"]] for item in receipts]
        print_table("", ["event", "outcome", "reason"], rows)
    waiting = sum(bool(item["held"]) for item in receipts)
    if waiting:
        typer.echo(f"{waiting} held for approval: see `notifier notifications held`", err=True)


def _ask(summary: FileSummary, file: str) -> None:
    """Ask for confirmation at a terminal; elsewhere `--yes` is required.

    Raises:
        InvalidInputError: There is no terminal.
    """
    if summary.needs_confirmation:
        ask(str(summary), "publish this (or --record to notify nobody)", at_terminal=file != "-")


def _based_on(events: list[Event], after: str | None) -> list[Event]:
    """Return the events, the only one based on the update `after`, if given.

    Raises:
        InvalidInputError: There are several events: `after` would be ambiguous.
    """
    if after is None:
        return events
    if len(events) > 1:
        raise InvalidInputError([FieldError("--after", f"needs a file with one event; this one has {len(events)}")])
    return [replace(events[0], after=after)]


def _hand_in(ingest: Ingest, events: list[Event]) -> list[dict[str, str | int]]:
    """Publish in order; a rejected event ends the command and reports how many were published."""
    receipts: list[dict[str, str | int]] = []
    actor = operator()
    for event in events:
        try:
            receipts.append(ingest.take(actor.signed(event)).as_json())
        except (OutdatedError, InvalidInputError) as error:
            before = f" Events published before it: {len(receipts)}." if receipts else ""
            code = EXIT_FAILED if isinstance(error, OutdatedError) else EXIT_USAGE
            raise fail(f"event {event.id}: {error}.{before}", code) from error
    return receipts
